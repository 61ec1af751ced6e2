"""VERIFY.txt: how a bundle is checked without our program, with sh, coreutils, openssl, unzip and xmlsec1.

It is written for one bundle: each command names its files. Lines that begin with four blanks are commands; run in their
order they end with ``ALL GOOD``, or stop at what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.evidence import form
from axis.core.registry import HUB

if TYPE_CHECKING:
    from axis.core.evidence.form import Evidence
    from axis.core.evidence.judge import Judged

_BEGIN = r"""KIỂM TRA CHỨNG CỨ BẰNG CÔNG CỤ THÔNG DỤNG / CHECKING THIS EVIDENCE WITH COMMON TOOLS

Cần có: sh, coreutils, openssl (3.0 trở lên), unzip, xmlsec1. Không cần phần mềm của trục, không cần mạng.
You need: sh, coreutils, openssl (3.0 or later), unzip, xmlsec1. Nothing of the axis' own program, and no network.

Lưu gói này với tên evidence.asice trong một thư mục trống. Đặt bên cạnh tệp hub.pem, chứng thư của trục, lấy từ nơi
khác chứ không phải từ người đưa gói này: đó là điều duy nhất được tin mà không cần chứng minh. Chính tờ này cũng do
người lập gói viết: nếu không tin họ, hãy lấy một tờ như vậy từ gói mà nơi khác lập, hoặc dùng verify_evidence.py.
Save this bundle as evidence.asice in an empty folder. Beside it put hub.pem, the hub's certificate, which you have from
somebody else than the one who gave you this bundle: it is the only thing that is believed without proof. This text,
too, was written by the bundle's maker: if you do not believe it, take one from a bundle that somebody else has made, or
verify_evidence.py.

Các dòng lùi vào bốn dấu cách là lệnh; chạy lần lượt trong cùng một cửa sổ lệnh. Sai ở đâu thì dừng ở đó; nếu tất cả
đúng, dòng cuối cùng là ALL GOOD. Đồng hồ của máy không được dùng đến: mọi thứ được xét vào lúc nó xảy ra, nên chứng thư
hết hạn từ lâu vẫn kiểm tra được.
Lines that begin with four blanks are commands; run them in order, in one shell. They stop at what is wrong; if all is
good, the last line is ALL GOOD. This machine's clock is not used: everything is looked at as of when it happened, so
certificates that ended long ago are no obstacle.

1. Công cụ / Tools

    set -e
    export LC_ALL=C
    unzip -q evidence.asice -d bundle
    openssl x509 -in hub.pem -outform DER -out hub.der
    raw() { tr a-f A-F | basenc --base16 -d; }
    hex() { basenc --base16 -w0 | tr A-F a-f; }
    sha() { sha256sum | cut -c1-64; }
    wrong() { echo "WRONG: $1"; exit 1; }
    between() {
      tr '<' '\n' < "$1" | while IFS= read -r line; do
        case "$line" in "$2>"*) printf '%s\n' "${line#*>}"; break;; esac
      done
    }
    attribute() {
      while IFS= read -r line; do
        case "$line" in *"<$2 "*" $3=\""*|*"<$2 $3=\""*)
          line=${line#*"<$2"}; line=${line#*" $3=\""}; printf '%s\n' "${line%%\"*}"; break;; esac
      done < "$1"
    }
    seconds() { date -u -d "$1" +%s; }
    at_signing() { between "$1/META-INF/signatures.xml" xades:SigningTime; }

   signed: chữ ký đúng với chứng thư kèm theo / the signature is right for the certificate in it.
   (xmlsec1 1.3: thêm / add --lax-key-search.)

    signed() {
      between "$1/META-INF/signatures.xml" ds:X509Certificate | base64 -d > "$1.der"
      openssl x509 -inform DER -in "$1.der" -out "$1.pem"
      ( cd "$1"; xmlsec1 --verify --pubkey-cert-pem "$OLDPWD/$1.pem" --enabled-key-data key-name \
          --id-attr:Id "http://uri.etsi.org/01903/v1.3.2#:SignedProperties" META-INF/signatures.xml \
          > "$OLDPWD/$1.xmlsec1" 2>&1 ) || wrong "signature of $1, see $1.xmlsec1"
    }

   belongs: chứng thư là của ai, còn hiệu lực vào lúc nào / whose certificate it is, and whether it was good then.

    belongs() {
      wanted=$(base64 -w0 "$1.der"); member=; found=
      while IFS= read -r line; do
        case "$line" in *"<member "*) member=$line;; *"<certificate "*">$wanted<"*) found="$member$line";; esac
      done < registry/registry.xml
      case "$found" in *"<member code=\"$2\""*" use=\"sign\""*) ;; *) wrong "$1 is not signed by $2";; esac
      begins=$(openssl x509 -in "$1.pem" -noout -startdate)
      ends=$(openssl x509 -in "$1.pem" -noout -enddate)
      for moment in "$3" "$(at_signing "$1")"; do
        [ "$(seconds "${begins#*=}")" -le "$(seconds "$moment")" ] || wrong "$1: certificate not yet valid"
        [ "$(seconds "$moment")" -le "$(seconds "${ends#*=}")" ] || wrong "$1: certificate over"
      done
      case "$found" in *" revoked=\""*)
        revoked=${found##*" revoked=\""}
        [ "$(seconds "$3")" -lt "$(seconds "${revoked%%\"*}")" ] || wrong "$1: certificate revoked";; esac
    }

   content, same: mã băm nội dung; biên nhận nói về văn bản này
   content, same: the digest of the content; a receipt is about this document.

    content() {
      ( cd "$1"; set -- document.edxml; n=1
        while [ -e attachments/$n ]; do set -- "$@" attachments/$n; n=$((n + 1)); done; sha256sum "$@" | sha )
    }
    same() {
      [ "$(attribute "$1/receipt.xml" submission digest)" = "$digest" ] || wrong "$1 is about another document"
      [ "$(attribute "$1/receipt.xml" submission id)" = "$axis_id" ] || wrong "$1 is about another submission"
    }

   quotes, heard: biên nhận dẫn tới mục này, và mục nói đúng như biên nhận; trục nhận biên nhận này lúc nào, theo sổ cái
   quotes, heard: a receipt names this entry, which says the same; when the hub accepted a receipt, by the log.

    of() { value=${line#*" $1=\""}; [ "$value" = "$line" ] || printf %s "${value%%\"*}"; }
    quotes() {
      entry=$(cat "$2.json"); named=$(sha < "$2.json"); found=
      while IFS= read -r line; do
        case "$line" in *"<statement "*" entry=\"$named\""*) ;; *) continue;; esac
        found=yes
        case "$(of code) $entry" in
          "A.1 "*'"event":"submission.accepted"'*|"A.1 "*'"event":"submission.repeated"'*)
            case "$entry" in
              *"\"content_digest\":\"$digest\""*"\"sender\":\"$sender\""*"\"time\":\"$(of time)\"}") ;;
              *) found=;;
            esac;;
          "A.1 "*) ;;
          "S.1 "*) case "$entry" in *"\"$(of recipient)\":\"$(of outcome)\""*) ;; *) found=;; esac;;
          *) case "$entry" in *"\"recipient\":\"$(of recipient)\",\"time\":\"$(of time)\"}") ;; *) found=;; esac;;
        esac
        [ "$found" ] || wrong "$2 says something else than $1"
      done < "$1/receipt.xml"
      [ "$found" ] || wrong "the entry of $1"
    }
    heard() {
      said=$(attribute "$1/receipt.xml" statement time); entry=$(cat "$2.json")
      case "$entry" in
        *"\"actor\":\"$3\",\"axis_id\":\"$axis_id\""*"\"receipt\":\"$4\""*"\"said_at\":\"$said\""*) ;;
        *) wrong "$2 is not about $1";;
      esac
      case "$entry" in
        *"\"evidence\":\"$(sha < "$5")\""*) ;;
        *'"evidence":'*) wrong "$2 is about another receipt than $1";;
      esac
      moment=${entry##*\"time\":\"}; moment=${moment%%\"*}
    }
"""
_LOG = r"""
{n}. Sổ cái: khóa, điểm kiểm / The log: its key, its checkpoint

   So dòng này với khóa đã công bố, hoặc với `axis audit head` ở trung tâm / Compare this line with the published key,
   or with `axis audit head` at the centre:

    cat bundle/attachments/{log}
    key=$(cat bundle/attachments/{log}); origin=${{key%%+*}}; key=${{key#*+}}; key=${{key#*+}}
    {{ printf 302a300506032b6570032100 | raw; printf %s "$key" | base64 -d | tail -c 32; }} > log.der
    head() {{
      command head -n 3 "$1" > text
      [ "$(command head -n 1 text)" = "$origin" ] || wrong "another log"
      tail -n +5 "$1" | while read -r dash name value; do
        if [ "$name" = "$origin" ]; then printf %s "$value" | base64 -d | tail -c 64 > text.sig; break; fi
      done
      openssl pkeyutl -verify -pubin -inkey log.der -keyform DER -rawin -in text -sigfile text.sig > text.openssl \
        || wrong "signature of the log"
      size=$(command head -n 2 text | tail -n 1); root=$(tail -n 1 text | base64 -d | hex)
    }}
    head bundle/attachments/{checkpoint}

   Các dòng chữ ký khác dưới điểm kiểm là của bên chứng kiến (c2sp.org/tlog-cosignature). Chữ ký Ed25519 của họ kiểm tra
   như trên, trên văn bản có thêm hai dòng đầu "cosignature/v1" và "time SỐ"; chữ ký ML-DSA-44 (trong tệp
   cosignatures.ml-dsa-44, nếu có) cần openssl 3.5 trở lên.
   Other signature lines below a checkpoint are its witnesses' (c2sp.org/tlog-cosignature). An Ed25519 one is checked in
   the same way, over a text with two more lines before it, "cosignature/v1" and "time NUMBER"; ML-DSA-44 ones (in the
   file cosignatures.ml-dsa-44, if there is one) need openssl 3.5 or later.

   proof: một mục nằm trong sổ cái / an entry stands in the log (RFC 9162, 2.1.3.2).

    inner() {{ {{ printf '\001'; printf %s "$1" | raw; }} | sha; }}
    proof() {{
      hashes=; lines=1
      while IFS= read -r line; do
        lines=$((lines + 1))
        case "$line" in
          c2sp.org/*) ;;
          "extra "*) printf %s "${{line#extra }}" | base64 -d > "$2.leaf";;
          "index "*) index=${{line#index }};;
          "") break;;
          *) hashes="$hashes $line";;
        esac
      done < "$1"
      tail -n +$lines "$1" > "$2.checkpoint"; head "$2.checkpoint"
      [ -z "$3" ] || [ "$(command head -n 3 "$3")" = "$(cat text)" ] || wrong "$2 rests on another checkpoint"
      tail -c +17 "$2.leaf" > "$2.json"
      node=$({{ printf '\000'; sha < "$2.leaf" | raw; }} | sha); last=$((size - 1))
      for one in $hashes; do
        other=$(printf %s "$one" | base64 -d | hex)
        if [ $((index & 1)) = 1 ] || [ $index = $last ]; then
          node=$(inner "$other$node")
          while [ $((index & 1)) = 0 ] && [ $index != 0 ]; do
            index=$((index >> 1)); last=$((last >> 1))
          done
        else node=$(inner "$node$other"); fi
        index=$((index >> 1)); last=$((last >> 1))
      done
      [ "$node" = "$root" ] || wrong "proof of $2"
    }}
"""


def manual(found: Judged, said: Evidence) -> str:
    """VERIFY.txt of evidence whose parts were judged (axis/core/evidence/judge.py)."""
    numbers = {one.name: number for number, one in enumerate(said.parts, 1)}
    facts = {(one.name, one.part): one.facts for one in found.steps}
    lines = [_BEGIN]
    registry = max(
        (one for one in said.parts if one.kind == form.REGISTRY),
        key=lambda one: int(facts.get((form.REGISTRY, one.name), {}).get("version", 0)),
    )
    lines += [
        "2. Danh bạ, do trục ký / The registry, signed by the hub",
        "",
        f"    unzip -q bundle/attachments/{numbers[registry.name]} -d registry",
        "    signed registry",
        '    cmp registry.der hub.der || wrong "the registry is not signed by the hub that you know"',
        "",
        "3. Gói này, do người lập ký / This bundle, signed by its maker",
        "",
        "    signed bundle",
        f'    belongs bundle {said.maker} "$(at_signing bundle)"',
        "",
        "4. Trục đã nhận gì, lúc nào (A.1) / What the hub accepted, and when (A.1)",
        "",
    ]
    accepted = next(one for one in said.parts if one.kind == form.ACCEPTANCE)
    lines += [
        f"    unzip -q bundle/attachments/{numbers[accepted.name]} -d accepted",
        "    signed accepted",
        "    accepted=$(attribute accepted/receipt.xml statement time)",
        f'    belongs accepted {HUB} "$accepted"',
        "    sender=$(attribute accepted/receipt.xml submission sender)",
        "    digest=$(attribute accepted/receipt.xml submission digest)",
        "    axis_id=$(attribute accepted/receipt.xml submission id)",
        '    echo "accepted from $sender at $accepted: $digest"',
        "",
    ]
    if any(one.kind == form.DOCUMENT for one in said.parts):
        name = next(one.name for one in said.parts if one.kind == form.DOCUMENT)
        lines += [
            "5. Văn bản gốc, do bên gửi ký / The original, signed by its sender",
            "",
            f"    unzip -q bundle/attachments/{numbers[name]} -d document",
            "    signed document",
            '    belongs document "$sender" "$accepted"',
            '    [ "$(content document)" = "$digest" ] || wrong "A.1 is about another document"',
            "",
        ]
    else:
        lines += [
            "5. Văn bản gốc không còn ở đây / The original is not here any more: A.1 names its digest.",
            "",
        ]
    step = 6
    if any(one.kind == form.LOG for one in said.parts):
        names = {one.kind: one.name for one in said.parts if one.kind in {form.LOG, form.CHECKPOINT}}
        lines.append(_LOG.strip("\n").format(n=step, **{kind: numbers[name] for kind, name in names.items()}))
        lines.append("")
        head = f"bundle/attachments/{numbers[names[form.CHECKPOINT]]}"
        believed = {name for name, _ in found.places}
        for one in said.parts:
            if one.kind == form.PROOF and one.name in believed:
                own = "" if one.name in found.elsewhere else f" {head}"
                lines.append(f"    proof bundle/attachments/{numbers[one.name]} {_stem(one.name)}{own}")
        lines.append("")
        step += 1
    lines += _receipts(found, numbers, step)
    lines += _stamp(said, numbers, step + 1)
    lines += ["    echo ALL GOOD", ""]
    return "\n".join(lines)


def _receipts(found: Judged, numbers: dict[str, int], step: int) -> list[str]:
    """Each receipt, as of when it counts: the hub's when it was given, a recipient's when the hub accepted it."""
    lines = [
        f"{step}. Biên nhận; mục sổ cái mà biên nhận của trục dẫn tới / Receipts; the entries that the hub's quote",
        "",
    ]
    entries = {one.digest: name for name, one in found.places}
    for name, said in found.receipts:
        folder = "accepted" if name.endswith(".A.1.asice") and name.startswith("accepted") else _stem(name)
        facts = next((one.facts for one in found.steps if one.part == name and one.name == form.RECEIPT), {})
        if folder != "accepted":
            lines += [f"    unzip -q bundle/attachments/{numbers[name]} -d {folder}", f"    signed {folder}"]
            moment = f"$(at_signing {folder})"
            if by := facts.get("by", ""):
                file = f"bundle/attachments/{numbers[name]}"
                lines.append(f"    heard {folder} {_stem(by)} {said.issuer} {facts['event']} {file}")
                moment = "$moment"
            lines += [f'    belongs {folder} {said.issuer} "{moment}"', f"    same {folder}"]
        for quoted in dict.fromkeys(one.entry for one in said.statements if said.issuer == HUB):
            if quoted in entries:
                lines.append(f"    quotes {folder} {_stem(entries[quoted])}")
    return [*lines, ""]


def _stamp(said: Evidence, numbers: dict[str, int], step: int) -> list[str]:
    stamps = [one for one in said.parts if one.kind == form.TIMESTAMP]
    if not stamps:
        return []
    head = next(one for one in said.parts if one.kind == form.CHECKPOINT)
    authorities = " ".join(f"bundle/attachments/{numbers[p.name]}" for p in said.parts if p.kind == form.AUTHORITY)
    reply = f"bundle/attachments/{numbers[stamps[0].name]}"
    return [
        f"{step}. Dấu thời gian của bên thứ ba / A third party's time-stamp (RFC 3161)",
        "",
        "   So chứng thư này với bản lấy từ chính bên cấp dấu thời gian / Compare this certificate with one from the",
        "   authority itself:",
        "",
        f"    cat {authorities} > authority.pem",
        "    openssl x509 -in authority.pem -noout -subject -fingerprint -sha256",
        f"    openssl ts -reply -in {reply} -text > openssl.text 2> openssl.log",
        "    stamped=$(while IFS= read -r line; do",
        '      case "$line" in "Time stamp: "*) echo "${line#Time stamp: }";; esac',
        "    done < openssl.text)",
        f"    openssl ts -verify -in {reply} -data bundle/attachments/{numbers[head.name]} -CAfile authority.pem \\",
        '      -attime "$(seconds "$stamped")" > openssl.ts 2>&1 || wrong "the time-stamp, see openssl.ts"',
        '    echo "the checkpoint was there at $stamped"',
        "",
        *_renewal(said, numbers, reply),
    ]


def _renewal(said: Evidence, numbers: dict[str, int], first: str) -> list[str]:
    """The later time-stamp, over a checkpoint of the log that has the digest of the first."""
    names = {one.kind: numbers[one.name] for one in said.parts if one.kind in {form.RENEWED, form.RENEWAL}}
    if form.RENEWAL not in names:
        return []
    reply = f"bundle/attachments/{names[form.RENEWAL]}"
    return [
        "   Gia hạn: sổ cái giữ mã băm dấu thời gian trên, và một dấu thời gian sau này xác nhận sổ cái",
        "   Renewed: the log has the digest of that time-stamp, and a later time-stamp is on the log",
        "",
        f"    proof bundle/attachments/{names[form.RENEWED]} renewed",
        f'    case "$(cat renewed.json)" in *"\\"reply\\":\\"$(sha < {first})\\""*"\\"event\\":\\"log.stamped\\""*) ;;',
        '    *) wrong "the renewal of another time-stamp";; esac',
        f"    openssl ts -reply -in {reply} -text > openssl.text 2> openssl.log",
        "    renewed=$(while IFS= read -r line; do",
        '      case "$line" in "Time stamp: "*) echo "${line#Time stamp: }";; esac',
        "    done < openssl.text)",
        f"    openssl ts -verify -in {reply} -data renewed.checkpoint -CAfile authority.pem \\",
        '      -attime "$(seconds "$renewed")" > openssl.ts 2>&1 || wrong "the renewal, see openssl.ts"',
        '    echo "that time-stamp was there at $renewed"',
        "",
    ]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
