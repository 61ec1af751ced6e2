"""What people read on the command line, in Vietnamese and English: one row for each text.

Sentences of errors stand in axis/faults.py.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from axis import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from axis.errors import Language

TEXTS: dict[str, tuple[str, str]] = {
    # -- help ------------------------------------------------------------------------------------------------
    "help": (
        "Trục liên thông văn bản: gửi, nhận, tra cứu văn bản điện tử có ký số giữa các cơ quan.",
        "The document exchange axis: send, receive and trace signed documents between agencies.",
    ),
    "help.home": ("Thư mục dữ liệu của trục.", "The home folder."),
    "help.json": ("In kết quả dạng JSON, mỗi dòng một đối tượng.", "Print JSON, one object a line."),
    "help.reason": (
        "Vì sao; ghi vào nhật ký việc làm (axis audit list).",
        "Why; noted with who and when (axis audit list).",
    ),
    "mark.reads": ("Lệnh này chỉ đọc, không thay đổi gì.", "This command only reads and changes nothing."),
    "mark.changes": (
        "Lệnh này có thay đổi; ai làm, lúc nào, vì sao được ghi lại (axis audit list).",
        "This command changes something; who did it, when and why is noted (axis audit list).",
    ),
    "help.audit": ("Ai đã làm gì với trục, lúc nào, vì sao.", "Who did what with the axis, when and why."),
    "help.audit.list": (
        "Liệt kê việc người quản trị đã làm hoặc đã thử, mới nhất trước; cả những lần bị từ chối.",
        "List what administrators have done or tried, the newest first; refused tries too.",
    ),
    "help.audit.by": ("Chỉ của người dùng này của hệ điều hành.", "Only by this user of the operating system."),
    "help.audit.agency": ("Chỉ về cơ quan này.", "Only about this agency."),
    "help.audit.kind": (
        "Chỉ lệnh hoặc nhóm lệnh này, ví dụ 'agency suspend'.",
        "Only this command or group of commands: 'agency suspend'.",
    ),
    "help.audit.since": ("Từ lúc này, giờ Việt Nam.", "From this time on, Viet Nam time."),
    "help.audit.until": ("Đến trước lúc này, giờ Việt Nam.", "Before this time, Viet Nam time."),
    "help.audit.refused": (
        "Chỉ những việc không thành: bị từ chối, lỗi, chưa xong.",
        "Only what was refused, has failed or has not ended.",
    ),
    "help.audit.ledger": (
        "Theo sổ cái của trục: những gì đã đổi hồ sơ, từ mọi máy, kể cả trước khi có nhật ký việc làm.",
        "By the ledger: what has changed the record, from whatever machine, also before acts were noted.",
    ),
    "help.audit.before": (
        "Tiếp theo trang trước: những việc trước mã này.",
        "The next page: what began before this id.",
    ),
    "help.audit.limit": ("Số việc mỗi trang.", "Acts on a page."),
    "audit.at": ("Lúc", "When"),
    "audit.by": ("Ai", "Who"),
    "audit.what": ("Việc", "What"),
    "audit.why": ("Vì sao", "Why"),
    "audit.outcome": ("Kết quả", "Outcome"),
    "audit.done": ("xong", "done"),
    "audit.refused": ("bị từ chối", "refused"),
    "audit.failed": ("không thành", "failed"),
    "audit.exit": ("mã thoát {number}", "exit code {number}"),
    "audit.interrupted": ("bị ngắt", "interrupted"),
    "audit.open": ("chưa xong", "not ended"),
    "help.audit.verify": (
        "Tính lại toàn bộ sổ cái: từng mục, từng mắt xích, cây băm, điểm kiểm đã ký. Sai ở đâu thì nêu mục đó; mã thoát 6.",
        "Compute the ledger again: entries, links, the log's tree, its signed checkpoint. What is wrong is named; exit code 6.",
    ),
    "help.audit.since_last": (
        "Chỉ tính phần sau lần kiểm tra tốt trước đó.",
        "Only what is behind the last check that found nothing.",
    ),
    "help.audit.head": ("Điểm kiểm mới nhất của sổ cái, có chữ ký.", "The newest signed checkpoint of the log."),
    "help.audit.prove": (
        "Chứng minh rằng các mục về một văn bản nằm trong sổ cái: ai có khóa công khai cũng tự kiểm tra được.",
        "The proofs that a document's entries stand in the log: whoever has the log's public key checks them alone.",
    ),
    "help.audit.export": (
        "Xuất toàn bộ sổ cái: dạng ô (C2SP tlog-tiles) cho nơi giữ bản sao, hoặc mỗi mục một dòng JSON.",
        "Write out the whole log: as tiles (C2SP tlog-tiles) for whoever mirrors it, or a line of JSON for each entry.",
    ),
    "help.audit.output": ("Ghi vào đây.", "Write here."),
    "help.audit.format": ("Dạng xuất ra.", "In which form."),
    "audit.verifying": ("Đang tính lại sổ cái", "Computing the ledger again"),
    "audit.holds": (
        "Sổ cái đúng: {entries} mục, {logged} mục đã vào cây băm; tính lại từ sau mục {since}.",
        "The ledger holds: {entries} entries, {logged} of them in the log; computed again from behind entry {since}.",
    ),
    "audit.unplaced": ("{count} mục chưa được xếp chỗ.", "{count} entries have no place yet."),
    "audit.no_key": (
        "Chưa có khóa của sổ cái (pki/log.key): chữ ký của điểm kiểm chưa được kiểm. Chạy 'axis upgrade' để tạo khóa.",
        "No key of the log (pki/log.key): the checkpoint's signature was not checked. 'axis upgrade' makes one.",
    ),
    "audit.head": (
        "Cây băm của sổ cái có {size} mục, điểm kiểm lúc {at}:",
        "The log has {size} entries, checkpoint of {at}:",
    ),
    "audit.head.key": ("Khóa để kiểm tra: {text}", "The key to check it with: {text}"),
    "audit.place": ("Mục", "Entry"),
    "audit.proof": ("Chứng minh", "Proof"),
    "audit.proved": ("có, đã kiểm tra", "there, checked"),
    "audit.not_yet": ("chưa có", "not yet"),
    "audit.written": (
        "Đã ghi vào {path}: mỗi mục một tệp .json, .salt và .tlog-proof.",
        "Written to {path}: for each entry a file .json, .salt and .tlog-proof.",
    ),
    "audit.exists": ("{path} đã có; chọn chỗ khác.", "{path} is there; choose another place."),
    "audit.exported": (
        "Đã xuất {entries} mục vào {path} ({written} tệp hoặc dòng).",
        "{entries} entries written to {path} ({written} files or lines).",
    ),
    "help.log": (
        "Bản sao sổ cái cho nơi ngoài trung tâm: Văn phòng Trung ương Đảng, kiểm toán.",
        "The log for somebody outside of the centre: the Party Office, an auditor.",
    ),
    "help.log.mirror": (
        "Lấy toàn bộ sổ cái từ thư mục hoặc URL (axis audit export) và kiểm tra từng mục; dừng thì lần sau lấy tiếp.",
        "Take all of the log from a folder or URL (axis audit export), checking each entry; broken off, it goes on.",
    ),
    "help.log.to": ("Thư mục của bản sao.", "The mirror's folder."),
    "help.log.key": ("Khóa kiểm tra của sổ cái (axis audit head).", "The log's verifier key (axis audit head)."),
    "help.log.entries": (
        "Tệp axis audit export --format jsonl: so từng mục với bản sao và đếm số mục về từng cơ quan.",
        "A file of axis audit export --format jsonl: compared with the mirror entry by entry, and counted by agency.",
    ),
    "help.log.since": ("Đếm từ sau mục này.", "Count from behind this place."),
    "help.log.until": ("Đếm đến mục này; 0: đến hết.", "Count up to this place; 0: to the end."),
    "log.no_key": ("Cần --key hoặc --policy.", "--key or --policy is needed."),
    "log.mirroring": ("Đang lấy sổ cái", "Taking the log"),
    "log.mirrored": (
        "Bản sao ở {path} có {size} mục ({taken} mục mới), đúng với điểm kiểm đã ký; đủ chữ ký chứng kiến đến mục {witnessed}.",
        "The mirror at {path} has {size} entries ({taken} new), as the checkpoint says; witnessed up to entry {witnessed}.",
    ),
    "log.about": ("Số mục về cơ quan", "Entries about it"),
    "help.witness": (
        "Các cơ quan chứng kiến sổ cái: ai đã ký điểm kiểm nào, ai thấy sai.",
        "The agencies as witnesses of the log: who has cosigned what, and who has found something wrong.",
    ),
    "help.witness.status": (
        "Ở trung tâm: cơ quan nào đã ký đến đâu, lúc nào, ai chậm. Ở cơ quan: đã ký và tin đến đâu. Có sai: mã thoát 6.",
        "At the centre who has cosigned what and when, and who is behind; at an agency what it believes. Trouble: exit code 6.",
    ),
    "help.witness.policy": (
        "Đặt chính sách: bao nhiêu cơ quan ký thì điểm kiểm mới được tin. Không có tệp: quá nửa số cơ quan có khóa chứng kiến.",
        "Set how many witnesses make a checkpoint believed. Without a file: more than half of those that have a witness key.",
    ),
    "help.witness.file": ("Tệp chính sách (C2SP tlog-policy).", "A policy file (C2SP tlog-policy)."),
    "help.witness.check": ("Chỉ kiểm tra tệp, không đặt.", "Only check it; nothing is set."),
    "help.witness.compare": (
        "So điểm kiểm do người khác đưa với điểm kiểm giữ ở đây. Cùng cỡ mà khác nội dung là bằng chứng: mã thoát 6.",
        "Compare a checkpoint that somebody shows with those kept here. Two contents of one size are proof: exit code 6.",
    ),
    "help.witness.code": ("Cơ quan nào của thư mục này.", "Which agency of this home."),
    "help.witness.export": (
        "Ghi ra tệp các điểm kiểm mà cơ quan này giữ: đã ký, đã tin, và cái mâu thuẫn.",
        "Write the checkpoints that an agency keeps to files: cosigned, believed, and the one that contradicts.",
    ),
    "help.witness.settle": (
        "Đã làm rõ điều bất thường: ghi bằng chứng ra thư mục rồi chứng kiến lại từ đầu.",
        "What was found has been looked into: write the evidence to a folder, and begin to witness anew.",
    ),
    "witness.settled": (
        "{code}: bằng chứng ở {path}; từ lần hỏi tới sẽ chứng kiến lại.",
        "{code}: the evidence is in {path}; it witnesses again from the next question on.",
    ),
    "witness.agency": ("Cơ quan", "Agency"),
    "witness.cosigned": ("Đã ký đến mục", "Cosigned up to"),
    "witness.believed": ("Tin đến mục", "Believes up to"),
    "witness.at": ("Lúc", "When"),
    "witness.standing": ("Tình trạng", "Standing"),
    "witness.own": ("Mục về cơ quan này", "Entries about it"),
    "witness.counted": ("{entries} (từ mục {since} đến {told})", "{entries} (from {since} to {told})"),
    "witness.good": ("tốt", "good"),
    "witness.never": ("chưa ký lần nào", "has never cosigned"),
    "witness.behind": ("chậm {count} mục", "{count} entries behind"),
    "witness.stopped": ("THÔI KÝ: {code}", "COSIGNS NOTHING MORE: {code}"),
    "witness.unknown": ("{count} MỤC LẠ đứng tên cơ quan này", "{count} UNKNOWN ENTRIES in its name"),
    "witness.no_policy": (
        "Chưa có chính sách chứng kiến: chạy axis witness policy.",
        "There is no witness policy: run axis witness policy.",
    ),
    "witness.other_log": (
        "Sổ cái đã bắt đầu lại với tên {origin}; chính sách còn nói về sổ trước. Chạy axis witness policy.",
        "The log has begun again as {origin}; the policy is about the one before. Run axis witness policy.",
    ),
    "witness.centre": (
        "Sổ cái có {size} mục; đủ chữ ký chứng kiến ({needed}) đến mục {witnessed}, lúc {at}.",
        "The log has {size} entries; a quorum of witnesses ({needed}) has cosigned up to {witnessed}, at {at}.",
    ),
    "witness.both": (
        "Điểm kiểm trong ngày đủ chữ ký bằng cả hai khóa (Ed25519 và ML-DSA-44): đến mục {size}, lúc {at}.",
        "A quorum has cosigned the day's checkpoint with both keys (Ed25519 and ML-DSA-44): up to {size}, at {at}.",
    ),
    "witness.policy_changed": (
        "{code}: chính sách chứng kiến đã đổi, thấy lúc {at}: trước cần {needed_before}, nay cần {needed_now}; bỏ: {gone}; thêm: {added}.",
        "{code}: the witness policy was changed, seen at {at}: needed before {needed_before}, now {needed_now}; gone: {gone}; new: {added}.",
    ),
    "witness.what_now": (
        "Hai điểm kiểm mâu thuẫn được giữ làm bằng chứng: axis witness export. Văn bản vẫn được chuyển.",
        "Both checkpoints are kept as evidence: axis witness export. Mail goes on.",
    ),
    "witness.policy_good": (
        "Chính sách dùng được: {witnesses} bên chứng kiến, nhóm quyết định «{quorum}».",
        "The policy can be used: {witnesses} witnesses, quorum '{quorum}'.",
    ),
    "witness.policy_set": (
        "Đã đặt chính sách: {witnesses} bên chứng kiến, nhóm quyết định «{quorum}»; danh bạ bản {registry}.",
        "The policy is set: {witnesses} witnesses, quorum '{quorum}'; registry version {registry}.",
    ),
    "witness.compared.same": (
        "Cùng cỡ {size}, cùng nội dung: giống điểm kiểm giữ ở đây.",
        "The same size {size} and the same content as a checkpoint kept here.",
    ),
    "witness.compared.other_size": (
        "Sổ cái đã ký điểm kiểm này (cỡ {size}); ở đây không giữ điểm kiểm cùng cỡ nên chưa kết luận được.",
        "The log has signed it (size {size}); none of that size is kept here, so nothing follows from it alone.",
    ),
    "witness.exported": ("Đã ghi vào {path}: {files}", "Written to {path}: {files}"),
    "upgrade.witness_keys": (
        "Đã tạo khóa chứng kiến cho {count} cơ quan (keys/*.witness). Đưa vào danh bạ: ở trung tâm có khóa của họ thì axis "
        "witness policy; cơ quan giữ khóa riêng thì gửi lại axis agency request.",
        "Witness keys were made for {count} agencies (keys/*.witness). Into the registry: axis witness policy where the "
        "centre has their keys; an agency with its own sends axis agency request again.",
    ),
    "audit.none": ("Không có việc nào.", "Nothing was done."),
    "audit.more": ("Còn nữa: thêm --before {id:sh}", "There is more: add --before {id:sh}"),
    "help.lang": ("Ngôn ngữ hiển thị.", "Language of the texts."),
    "help.version": ("In phiên bản rồi thoát.", "Print the version and exit."),
    "metavar.alias": ("MÃ_KHÁC", "ALIAS"),
    "metavar.code": ("MÃ", "CODE"),
    "metavar.codes": ("MÃ", "CODE"),
    "metavar.days": ("NGÀY", "DAYS"),
    "metavar.driver": ("LOẠI", "DRIVER"),
    "metavar.file": ("TỆP", "FILE"),
    "metavar.files": ("TỆP", "FILE"),
    "metavar.folder": ("THƯ_MỤC", "FOLDER"),
    "metavar.identifier": ("MÃ", "ID"),
    "metavar.name": ("TÊN", "NAME"),
    "metavar.period": ("KỲ", "PERIOD"),
    "metavar.reference": ("VĂN_BẢN", "REFERENCE"),
    "metavar.state": ("TÌNH_TRẠNG", "STATE"),
    "metavar.words": ("TỪ", "WORDS"),
    "metavar.systemid": ("HỆ_THỐNG", "SYSTEMID"),
    "help.init": (
        "Tạo thư mục dữ liệu mới của trục: CA thử nghiệm, khóa và danh bạ của 95 cơ quan, thư mục.",
        "Make a home: test CA, keys and registry of the 95 agencies, folders.",
    ),
    "help.init.key_type": ("Loại khóa của các cơ quan.", "Type of the agencies' keys."),
    "help.init.broker": ("Loại broker của thư mục dữ liệu này.", "The home's kind of broker."),
    "help.init.store": ("Nơi trục lưu hồ sơ.", "Where the hub keeps its record."),
    "help.init.user_id": (
        "optional: mọi tiến trình dùng chung một tài khoản broker (chỉ để thử).",
        "optional: all share one broker user (try-outs only).",
    ),
    "help.init.tls": (
        "Tên hoặc địa chỉ của broker: tạo CA, khóa và chứng thư TLS cho broker, hub và từng cơ quan (lặp lại được).",
        "Name or address of the broker: make a CA, keys and certificates for TLS, for broker, hub and agencies (repeatable).",
    ),
    "help.board": (
        "Nơi nào đã nhận, đang chờ, từ chối, quá hạn: một dòng cho mỗi nơi nhận của văn bản.",
        "Who has a document, who waits, who refused, who is overdue: one line for each recipient.",
    ),
    "help.doctor": (
        "Khám toàn bộ: đồng hồ, khóa, chứng thư, cơ sở dữ liệu, broker, hàng đợi, thư mục; mỗi lỗi kèm cách sửa.",
        "Look at everything: clocks, keys, certificates, database, broker, queues, folders; each trouble with its mending.",
    ),
    "help.doctor.all": ("Cả những gì tốt.", "Also what is well."),
    "help.doctor.gather": (
        "Chỉ ghi lại những gì tìm thấy vào tệp này, không có bí mật hay nội dung, để người khác xem.",
        "Only write what is found into this file, without secrets or content, for somebody else to look at.",
    ),
    "help.doctor.analyse": ("Xem một tệp đã ghi ở máy khác.", "Look at a file that was gathered elsewhere."),
    "help.check": (
        "Một phép khám, hoặc tất cả, cho hệ thống giám sát (Nagios, Prometheus).",
        "One check, or all, for monitoring (Nagios, Prometheus).",
    ),
    "help.check.format": ("Dạng kết quả.", "The form of the result."),
    "help.ping": (
        "Thử đường truyền giữa một cơ quan và trung tâm, đi và về; đứt ở đoạn nào thì nói đoạn đó và ai phải xử lý.",
        "Try the connection between an agency and the centre, there and back; where it breaks, which leg, and who acts.",
    ),
    "help.ping.wait": ("Số giây chờ trả lời.", "Seconds to wait for the answer."),
    "ping.whom": ("thiếu mã cơ quan", "the code of an agency is missing"),
    "ping.good": ("{agency}: đường truyền thông suốt, đi và về.", "{agency}: the connection is good, there and back."),
    "ping.bad": ("{agency}: đường truyền bị đứt.", "{agency}: the connection is broken."),
    "ping.unknown": (
        "{agency}: không thấy lỗi, nhưng không thử được cả đường.",
        "{agency}: nothing is seen to be wrong, but not all of the way could be tried.",
    ),
    "ping.place.hub": ("trục", "hub"),
    "ping.place.broker": ("broker", "broker"),
    "ping.who": ("Ai xử lý: {who}", "Who acts: {who}"),
    "ping.clock": (
        "! Đồng hồ của {agency} lệch ít nhất {ms} ms: kiểm tra NTP ở đó.",
        "! The clock of {agency} is wrong by {ms} ms at least: look at NTP there.",
    ),
    "ping.no_queue": ("broker không có hàng đợi {queue}", "the broker has no queue {queue}"),
    "ping.no_queue.who": ("trung tâm", "the centre"),
    "ping.no_queue.do": ("axis broker setup, rồi axis hub", "axis broker setup, then axis hub"),
    "ping.full": ("hàng đợi {queue} đầy, không nhận thêm", "queue {queue} is full and takes nothing more"),
    "ping.full.who": ("bên lấy thư từ hàng đợi đó", "whoever takes the mail of that queue"),
    "ping.full.do": (
        "cho adapter hoặc trục chạy để lấy bớt; axis doctor",
        "let the adapter or the hub run, which takes of it; axis doctor",
    ),
    "ping.not_confirmed": (
        "broker không xác nhận đã nhận; có thể nó đang hết đĩa hoặc bộ nhớ",
        "the broker has not confirmed; its disk or memory may be full",
    ),
    "ping.not_confirmed.who": ("trung tâm", "the centre"),
    "ping.not_confirmed.do": ("axis doctor tại trung tâm", "axis doctor at the centre"),
    "ping.no_reader.agency": (
        "không có adapter nào đọc hàng đợi {queue}; {count} thông điệp đang chờ",
        "no adapter reads queue {queue}; {count} messages wait",
    ),
    "ping.no_reader.agency.who": ("cơ quan {agency}", "agency {agency}"),
    "ping.no_reader.agency.do": (
        "tại cơ quan: cho adapter chạy (axis adapter run {agency:sh}), xem nhật ký của nó",
        "at the agency: let the adapter run (axis adapter run {agency:sh}), look at its log",
    ),
    "ping.no_reader.hub": (
        "không có trục nào đọc hàng đợi {queue}; {count} thông điệp đang chờ",
        "no hub reads queue {queue}; {count} messages wait",
    ),
    "ping.no_reader.hub.who": ("trung tâm", "the centre"),
    "ping.no_reader.hub.do": (
        "tại trung tâm: cho trục chạy (axis hub), xem nhật ký của nó",
        "at the centre: let the hub run (axis hub), look at its log",
    ),
    "ping.behind.agency": (
        "adapter có đọc, nhưng {count} thông điệp còn chờ trước trong {queue}",
        "its adapter reads, but {count} messages still wait in {queue}",
    ),
    "ping.behind.agency.who": ("cơ quan {agency}", "agency {agency}"),
    "ping.behind.agency.do": (
        "chờ, rồi thử lại; nếu số đó không giảm, tại cơ quan: axis doctor",
        "wait and try again; if there are not fewer then, axis doctor at the agency",
    ),
    "ping.behind.hub": (
        "trục có đọc, nhưng {count} thông điệp còn chờ trước trong {queue}",
        "a hub reads, but {count} messages still wait in {queue}",
    ),
    "ping.behind.hub.who": ("trung tâm", "the centre"),
    "ping.behind.hub.do": (
        "chờ, rồi thử lại; nếu số đó không giảm, tại trung tâm: axis doctor",
        "wait and try again; if there are not fewer then, axis doctor at the centre",
    ),
    "ping.not_heard.agency": (
        "trục đã lấy phép thử, chưa thấy trả lời: trục thuộc bản cũ không biết phép thử này, hoặc đang đứng",
        "the hub has taken the test, no answer has come: its version does not know the test, or it stands still",
    ),
    "ping.not_heard.agency.who": ("trung tâm", "the centre"),
    "ping.not_heard.agency.do": (
        "tại trung tâm: axis doctor, rồi axis ping {agency:sh}",
        "at the centre: axis doctor, then axis ping {agency:sh}",
    ),
    "ping.not_heard.hub": (
        "adapter đã lấy phép thử, trục không thấy trả lời: adapter thuộc bản cũ không biết phép thử này, hoặc đang đứng",
        "the adapter has taken the test, no answer has come: its version does not know the test, or it stands still",
    ),
    "ping.not_heard.hub.who": ("cơ quan {agency}", "agency {agency}"),
    "ping.not_heard.hub.do": (
        "xem cơ quan còn gửi nhận không: axis status --agencies; nâng cấp adapter của cơ quan",
        "see whether the agency still sends and takes: axis status --agencies; upgrade its adapter",
    ),
    "ping.never_asked": (
        "adapter của {agency} chưa lần nào chạy, hoặc thuộc bản cũ không biết phép thử này: không thử",
        "the adapter of {agency} has never run, or is of a version that does not know the test: not tried",
    ),
    "ping.never_asked.who": ("cơ quan {agency}", "agency {agency}"),
    "ping.never_asked.do": (
        "cho adapter chạy hoặc nâng cấp; nó đã gửi nhận gì chưa: axis status --agencies",
        "let the adapter run or upgrade it; what it has sent and taken so far: axis status --agencies",
    ),
    "ping.no_process": (
        "không có tiến trình nào làm việc trong thư mục này",
        "no process is at work in this home",
    ),
    "ping.no_process.who": ("quản trị", "the administrator"),
    "ping.no_process.do": ("axis run", "axis run"),
    "ping.stands_still": (
        "tiến trình giữ thư mục này nhưng không làm việc, hoặc adapter của {agency} đang lỗi",
        "the process that has this home does not do its work, or the adapter of {agency} is in trouble",
    ),
    "ping.stands_still.who": ("quản trị", "the administrator"),
    "ping.stands_still.do": (
        "axis adapter check {agency:sh}; xem nhật ký của axis run, cho chạy lại",
        "axis adapter check {agency:sh}; look at the log of axis run, start it again",
    ),
    "ping.suspended": (
        "{agency} đang tạm dừng hoặc ngừng hoạt động: không có quyền ở broker, không thử",
        "{agency} is suspended or closed: it has no rights at the broker, and is not tried",
    ),
    "ping.suspended.who": ("trung tâm", "the centre"),
    "ping.suspended.do": (
        "khi hết lý do: axis agency resume {agency:sh}",
        "when the reason is over: axis agency resume {agency:sh}",
    ),
    "check.unknown": ("không có phép khám {name}; có: {names}", "there is no check {name}; there are: {names}"),
    "doctor.good": ("tốt", "good"),
    "doctor.warn": ("lưu ý", "warning"),
    "doctor.bad": ("hỏng", "bad"),
    "doctor.unknown": ("không rõ", "unknown"),
    "doctor.why": ("không xem được: {why}", "could not be looked at: {why}"),
    "doctor.means": ("Nghĩa là: {said}", "It means: {said}"),
    "doctor.mend": ("Cách sửa: {said}", "To mend it: {said}"),
    "doctor.total": (
        "{good} phép khám tốt, {warn} lưu ý, {bad} hỏng, {unknown} không rõ.",
        "{good} checks good, {warn} warnings, {bad} bad, {unknown} unknown.",
    ),
    "doctor.gathered": (
        "Đã ghi {file} (không có bí mật hay nội dung văn bản).",
        "Written: {file} (no secrets, nothing of any document).",
    ),
    "doctor.not_gathered": (
        "không phải tệp do axis doctor --gather ghi",
        "not a file that axis doctor --gather has written",
    ),
    "doctor.home_mode": ("Quyền của thư mục dữ liệu", "Modes of the data folders"),
    "doctor.home_mode.found": ("người khác vào được: {names}", "others can enter: {names}"),
    "doctor.home_mode.means": (
        "Ai dùng chung máy này có thể đọc hoặc thay khóa.",
        "Whoever shares this machine could read or replace keys.",
    ),
    "doctor.home_mode.mend": ("chmod 700 {home} {home}/keys", "chmod 700 {home} {home}/keys"),
    "doctor.private_files": ("Tệp khóa chỉ chủ sở hữu đọc được", "Secrets readable by their owner alone"),
    "doctor.private_files.found": (
        "{count} tệp người khác đọc được: {names}",
        "{count} files others can read: {names}",
    ),
    "doctor.private_files.means": (
        "Khóa có thể đã lộ: ai đọc được thì ký được thay cơ quan.",
        "These keys may be known: whoever reads one can sign for its agency.",
    ),
    "doctor.private_files.mend": (
        "chmod 600 các tệp đó; nếu nghi lộ: axis agency rotate MÃ",
        "chmod 600 these files; if one may be known: axis agency rotate CODE",
    ),
    "doctor.disk": ("Chỗ trống trên đĩa", "Room on the disk"),
    "doctor.disk.found": ("còn {free} ({share})", "{free} left ({share})"),
    "doctor.disk.means": (
        "Hết chỗ thì trục ngừng tiếp nhận; không có gì mất.",
        "With a full disk the axis stops accepting; nothing is lost.",
    ),
    "doctor.disk.mend": ("dọn đĩa hoặc mở rộng đĩa", "free or add space"),
    "doctor.incidents": ("Lỗi nội bộ trong 7 ngày qua", "Internal errors of the last 7 days"),
    "doctor.incidents.found": ("{count} tệp vết lỗi: {names}", "{count} traces: {names}"),
    "doctor.incidents.means": (
        "Có lỗi của chính phần mềm; việc đó đã dừng, các việc khác vẫn chạy.",
        "The software itself went wrong; what it was doing stopped, the rest goes on.",
    ),
    "doctor.incidents.mend": (
        "gửi các tệp trong {home}/incidents cho nhà phát triển",
        "send the files in {home}/incidents to the developers",
    ),
    "doctor.settings": ("axis.toml", "axis.toml"),
    "doctor.settings.found": ("không đọc được", "cannot be read"),
    "doctor.settings.means": ("Không lệnh nào chạy được.", "No command can run."),
    "doctor.settings.mend": ("sửa {home}/axis.toml theo thông báo", "mend {home}/axis.toml as the message says"),
    "doctor.environment": ("Biến môi trường", "Environment variables"),
    "doctor.environment.found": ("chưa đặt: {names}", "not set: {names}"),
    "doctor.environment.means": (
        "Không kết nối được cơ sở dữ liệu hoặc broker.",
        "Database or broker cannot be reached.",
    ),
    "doctor.environment.mend": (
        "đặt biến đó trong tệp môi trường của dịch vụ",
        "set it in the service's environment file",
    ),
    "doctor.publishers": ("Broker xác nhận ai gửi", "The broker says who published"),
    "doctor.publishers.found": (
        "broker.user_id = optional: mọi nơi dùng chung một tài khoản",
        "broker.user_id = optional: all share one broker user",
    ),
    "doctor.publishers.means": (
        "Chỉ còn chữ ký cho biết ai gửi; một cơ quan đọc được hàng đợi của cơ quan khác.",
        "Only signatures say who sent; an agency can reach another's queue.",
    ),
    "doctor.publishers.mend": (
        'axis broker setup --passwords DIR, rồi broker.user_id = "required"',
        'axis broker setup --passwords DIR, then broker.user_id = "required"',
    ),
    "doctor.public_server": ("Máy chủ HTTP của bộ kết nối", "The adapters' HTTP server"),
    "doctor.public_server.found": (
        "nhận kết nối không mã hóa từ máy khác ({listen})",
        "takes connections of other machines in the clear ({listen})",
    ),
    "doctor.public_server.means": (
        "Mật khẩu và văn bản đi qua mạng ở dạng đọc được.",
        "Secrets and documents cross the network readably.",
    ),
    "doctor.public_server.mend": (
        "đặt server.certificate_file và server.key_file, hoặc để sau một proxy HTTPS",
        "set server.certificate_file and server.key_file, or keep it behind an HTTPS proxy",
    ),
    "doctor.calendar": ("Lịch ngày làm việc", "The calendar of working days"),
    "doctor.calendar.found": ("chỉ có ngày nghỉ đến hết năm {year}", "knows days off only until the end of {year}"),
    "doctor.calendar.means": (
        "Hạn tính theo ngày làm việc sẽ sai từ năm {wanted}.",
        "Deadlines in working days will be wrong from {wanted} on.",
    ),
    "doctor.calendar.mend": (
        "thêm ngày nghỉ năm {wanted} vào tệp lịch (deadlines.calendar_file)",
        "add the days off of {wanted} to the calendar file (deadlines.calendar_file)",
    ),
    "doctor.program": ("Phần mềm", "The program"),
    "doctor.program.found": ("Python {python} quá cũ", "Python {python} is too old"),
    "doctor.program.means": ("Phiên bản này cần Python 3.11 trở lên.", "This version wants Python 3.11 or later."),
    "doctor.program.mend": ("cài Python mới hơn", "install a newer Python"),
    "doctor.log_key": ("Khóa của sổ cái", "Key of the log"),
    "doctor.log_key.found": ("pki/log.key không dùng được: {said}", "pki/log.key cannot be used: {said}"),
    "doctor.log_key.means": (
        "Sổ cái vẫn ghi nhưng không có điểm kiểm mới: biên nhận mới chưa chứng minh được.",
        "The ledger goes on without new checkpoints: receipts that are given now cannot be proved yet.",
    ),
    "doctor.log_key.mend": (
        "khôi phục pki/log.key từ bản sao lưu (quyền 0600), rồi khởi động lại; thư mục dữ liệu cũ: axis upgrade",
        "put pki/log.key back from a backup (mode 0600) and start again; a home of before: axis upgrade",
    ),
    "doctor.keys": ("Khóa và chứng thư", "Keys and certificates"),
    "doctor.keys.found": ("{count} khóa không dùng được: {names}", "{count} keys cannot be used: {names}"),
    "doctor.keys.means": (
        "Cơ quan đó không ký được; văn bản của họ chờ.",
        "That agency cannot sign; its documents wait.",
    ),
    "doctor.keys.mend": (
        "khôi phục tệp khóa từ bản sao lưu, hoặc cơ quan xin chứng thư cho khóa mới (docs/keys.vi.md)",
        "put the key file back from a backup, or have the agency ask for a new one (docs/keys.en.md)",
    ),
    "doctor.certificates": ("Chứng thư sắp hết hạn", "Certificates that end"),
    "doctor.certificates.found": (
        "{count} chứng thư hết hạn trong 60 ngày (còn số ngày): {names}",
        "{count} end within 60 days (days left): {names}",
    ),
    "doctor.certificates.means": (
        "Khi chứng thư hết hạn, những gì ký bằng nó không được tin nữa.",
        "What is signed with it is not believed any more once it has ended.",
    ),
    "doctor.certificates.mend": (
        "khóa của trục: axis key next; của cơ quan: axis agency request; TLS: axis broker reissue",
        "the hub's key: axis key next; an agency's: axis agency request; TLS: axis broker reissue",
    ),
    "doctor.young_certificates": ("Chứng thư đã có hiệu lực", "Certificates are valid already"),
    "doctor.young_certificates.found": (
        "{count} chứng thư chưa có hiệu lực: {names}",
        "{count} are not valid yet: {names}",
    ),
    "doctor.young_certificates.means": (
        "Đồng hồ máy này chậm, hoặc chứng thư được cấp cho tương lai.",
        "This machine's clock is slow, or they were issued for the future.",
    ),
    "doctor.young_certificates.mend": ("kiểm tra đồng hồ (timedatectl)", "check the clock (timedatectl)"),
    "doctor.weak_keys": ("Độ mạnh của khóa", "Strength of keys"),
    "doctor.weak_keys.found": ("{count} khóa RSA ngắn: {names}", "{count} short RSA keys: {names}"),
    "doctor.weak_keys.means": (
        "RSA-2048 sắp không còn được coi là đủ mạnh (ETSI TS 119 312).",
        "RSA-2048 will soon not count as strong enough (ETSI TS 119 312).",
    ),
    "doctor.weak_keys.mend": ("khóa mới: docs/keys.vi.md", "another key: docs/keys.en.md"),
    "doctor.registry": ("Danh bạ", "The registry"),
    "doctor.registry.found": ("không đọc được", "cannot be read"),
    "doctor.registry.means": ("Không kiểm tra được chữ ký của ai.", "Nobody's signature can be checked."),
    "doctor.registry.mend": (
        "khôi phục bản sao lưu, hoặc chép lại danh bạ từ trung tâm",
        "restore a backup, or get the registry from the centre again",
    ),
    "doctor.own_certificates": (
        "Chứng thư của máy này có trong danh bạ",
        "This home's certificates are in the registry",
    ),
    "doctor.own_certificates.found": (
        "{count} chứng thư không có trong danh bạ hoặc đã bị thu hồi: {names}",
        "{count} are not in the registry, or revoked: {names}",
    ),
    "doctor.own_certificates.means": (
        "Những gì ký bằng chứng thư đó bị từ chối.",
        "What is signed with them is refused.",
    ),
    "doctor.own_certificates.mend": (
        "dùng lại khóa cũ nếu chứng thư mới chưa được nhận; đã thu hồi: axis agency request --code MÃ --home HOME",
        "put the former key back if this one was never admitted; revoked: axis agency request --code CODE --home HOME",
    ),
    "doctor.centre_keys": ("Khóa do cơ quan tự giữ", "Keys that only their agencies have"),
    "doctor.centre_keys.found": (
        "{count} cơ quan còn dùng khóa do trung tâm tạo: {names}",
        "of {count} agencies the centre has made the key: {names}",
    ),
    "doctor.centre_keys.means": (
        "Ai chiếm máy trung tâm ký được thay các cơ quan này; biên nhận của họ không chống lại được trung tâm.",
        "Whoever takes the centre's machine can sign for them; their receipts prove nothing against the centre.",
    ),
    "doctor.centre_keys.mend": (
        "từng cơ quan: axis agency request --code MÃ --home HOME; trung tâm: axis agency admit TỆP; cơ quan: "
        "axis agency enrol TỆP; sau đó trung tâm: axis agency revoke MÃ (docs/keys.vi.md)",
        "each agency: axis agency request --code CODE --home HOME; the centre: axis agency admit FILE; the agency: "
        "axis agency enrol FILE; then the centre: axis agency revoke CODE (docs/keys.en.md)",
    ),
    "doctor.registrars": ("Người đăng ký", "Registrars"),
    "doctor.registrars.found": ("chưa có người đăng ký nào", "there are none"),
    "doctor.registrars.means": (
        "Cơ quan nào mất khóa thì không nhận được khóa mới, trừ khi mọi cơ quan kết nạp lại.",
        "An agency that loses its key can get no other one unless every agency is enrolled again.",
    ),
    "doctor.registrars.mend": (
        "axis registrar key ở ngoài trung tâm, rồi axis registrar set A.pem B.pem C.pem --need 2 trước khi kết nạp cơ quan "
        "đầu tiên",
        "axis registrar key outside of the centre, then axis registrar set A.pem B.pem C.pem --need 2 before the first "
        "agency is enrolled",
    ),
    "help.key": (
        "Khóa của chính trục: xem, khóa kế tiếp, thu hồi, khôi phục.",
        "The hub's own key: see it, the next, its end, another one.",
    ),
    "help.key.show": (
        "Các chứng thư của trục: cái đang ký, cái kế tiếp, các cái đã hết.",
        "The hub's certificates: which signs, which is next, which have ended.",
    ),
    "help.key.next": (
        "Tạo khóa kế tiếp của trục, được khóa đang dùng giới thiệu; đến lúc, trục tự dùng.",
        "Make the hub's next key, introduced by the one in use; the hub takes it by itself when its time has come.",
    ),
    "help.key.from": (
        "Trục ký bằng khóa mới từ lúc này; mặc định sau 30 ngày, muộn nhất 7 ngày trước khi chứng thư đang dùng hết hạn.",
        "The new key signs from then on; by default in 30 days, and 7 days before the end of the one in use at the latest.",
    ),
    "help.key.revoke": (
        "Thu hồi các khóa trước khóa đang ký; những gì chúng đã ký vẫn có giá trị.",
        "End the keys before the one that signs; what they have signed stays good.",
    ),
    "help.key.succeed": (
        "Khóa của trục bị lộ hoặc mất: khóa khác, do phiếu khôi phục giới thiệu, dùng ngay; mọi khóa trước bị thu hồi.",
        "The hub's key is stolen or lost: another one, named by the recovery paper, at once; all before it are revoked.",
    ),
    "help.key.recovery": (
        "Lập phiếu khôi phục: khóa chỉ có trên giấy, giới thiệu được khóa khác của trục. Đổi phiếu cần phiếu trước.",
        "Make the recovery paper: a key on paper alone, which can name another key of the hub. Another one needs the one before.",
    ),
    "help.key.paper": (
        "Tệp có chữ trên phiếu khôi phục, hoặc - ; không nêu thì gõ khi được hỏi.",
        "A file with what stands on the recovery paper, or - ; by default it is typed when asked.",
    ),
    "help.key.to": (
        "Ghi phiếu mới vào tệp này để in, rồi xóa; không nêu thì hiện ra màn hình một lần.",
        "Write the new paper to this file, to be printed and deleted; by default it is shown once on the screen.",
    ),
    "help.key.check": ("Chỉ thử xem phiếu có đúng không.", "Only try whether the paper is the right one."),
    "column.state": ("Tình trạng", "State"),
    "column.sha256": ("SHA-256", "SHA-256"),
    "column.begins_at": ("Từ", "From"),
    "key.state.signs": ("đang ký", "signs"),
    "key.state.next": ("kế tiếp", "next"),
    "key.state.before": ("trước đây", "before"),
    "key.state.ended": ("đã hết hạn", "ended"),
    "key.state.revoked": ("đã thu hồi", "revoked"),
    "key.rehearsed": ("Không có gì cản trở.", "Nothing would fail."),
    "key.next.done": (
        "Danh bạ phiên bản {version}: khóa kế tiếp của trục là {digest}…, đã gửi cho mọi cơ quan.",
        "Registry version {version}: the hub's next key is {digest}…, and every agency is told.",
    ),
    "key.next.waits": ("Trục tự ký bằng khóa đó từ {time}.", "The hub signs with it from {time} on, by itself."),
    "key.next.signs": ("Trục ký bằng khóa đó từ bây giờ.", "The hub signs with it from now on."),
    "key.next.paper": (
        "Chưa có phiếu khôi phục: khóa bị lộ hoặc mất thì mọi cơ quan phải kết nạp lại. Lập phiếu: axis key recovery.",
        "There is no recovery paper: if the key is stolen or lost every agency must enrol again. Make one: axis key recovery.",
    ),
    "key.next.after": (
        "Tiếp theo: nâng cấp các adapter của bản cũ trước lúc đó (docs/keys.vi.md); sau đó axis key revoke thu hồi khóa trước.",
        "Next: upgrade adapters of earlier versions before that moment (docs/keys.en.md); after it axis key revoke ends the key before.",
    ),
    "key.revoked": (
        "Danh bạ phiên bản {version}: các khóa trước của trục đã thu hồi.",
        "Registry version {version}: the hub's keys before are revoked.",
    ),
    "key.revoke.none": (
        "Không có khóa nào trước khóa đang ký để thu hồi.",
        "There is no key before the one that signs to be ended.",
    ),
    "key.succeeded": (
        "Danh bạ phiên bản {version}: trục có khóa khác, mọi khóa trước đã thu hồi. Phiếu cũ hết giá trị, dùng phiếu mới.",
        "Registry version {version}: the hub has another key, all before it are revoked. The old paper is used up, keep the new one.",
    ),
    "key.succeeded.next": (
        "Tiếp theo: đổi mật khẩu và chứng thư của broker (axis broker reissue --new-keys), rồi xem axis doctor.",
        "Next: another password and certificate at the broker (axis broker reissue --new-keys), then axis doctor.",
    ),
    "key.recovery.done": (
        "Danh bạ phiên bản {version} có khóa khôi phục. Thử lại phiếu đã chép: axis key recovery --check.",
        "Registry version {version} has the recovery key. Try the copied paper: axis key recovery --check.",
    ),
    "key.paper.is": ("Có phiếu khôi phục.", "There is a recovery paper."),
    "key.paper.none": ("Chưa có phiếu khôi phục: axis key recovery.", "There is no recovery paper: axis key recovery."),
    "key.paper.fits": ("Đúng phiếu đang có giá trị.", "It is the paper that counts."),
    "key.paper.ask": ("17 nhóm trên phiếu khôi phục", "The 17 groups of the recovery paper"),
    "key.paper.file": (
        "Phiếu khôi phục ở {file}: in hai bản rồi xóa tệp này.",
        "The recovery paper is in {file}: print it twice, then delete that file.",
    ),
    "key.paper.form": (
        "PHIẾU KHÔI PHỤC KHÓA CỦA TRỤC\n"
        "Hệ thống: {installation}\n\n"
        "    {first}\n    {second}\n\n"
        "Chỉ hiện một lần. Chép hai bản lên giấy, cất ở hai két ngoài trung tâm; không chụp ảnh, không lưu trong máy.\n"
        "Ai có phiếu này đặt được khóa khác cho trục.\n"
        "Người lập: ....................  Người chứng kiến: ....................  Ngày: ..........",
        "RECOVERY PAPER OF THE HUB'S KEY\n"
        "Installation: {installation}\n\n"
        "    {first}\n    {second}\n\n"
        "Shown once. Write it on two papers, for two safes outside of the centre; no photograph, no file.\n"
        "Whoever has it can give the hub another key.\n"
        "Made by: ....................  Witness: ....................  Date: ..........",
    ),
    "change.hub_next": ("có khóa kế tiếp", "has a next key"),
    "change.hub_end": ("đã thu hồi khóa trước", "has keys before revoked"),
    "change.hub_succeeds": (
        "có khóa khác do phiếu khôi phục giới thiệu",
        "has another key, named by the recovery paper",
    ),
    "change.hub_recovery": ("có khóa khôi phục", "has a recovery key"),
    "doctor.hub_recovery": ("Phiếu khôi phục", "The recovery paper"),
    "doctor.hub_recovery.found": ("chưa có", "there is none"),
    "doctor.hub_recovery.means": (
        "Khóa của trục bị lộ hoặc mất thì mọi cơ quan phải kết nạp lại.",
        "If the hub's key is stolen or lost, every agency must be enrolled again.",
    ),
    "doctor.hub_recovery.mend": ("axis key recovery tại trung tâm", "axis key recovery at the centre"),
    "doctor.hub_end": ("Khóa của trục", "The hub's key"),
    "doctor.hub_end.found": (
        "hết hạn sau {days} ngày và danh bạ chưa có khóa kế tiếp",
        "ends in {days} days, and the registry has no next one",
    ),
    "doctor.hub_end.means": (
        "Từ năm phút trước lúc đó trục không tiếp nhận gì nữa.",
        "From five minutes before that the hub accepts nothing.",
    ),
    "doctor.hub_end.mend": ("tại trung tâm: axis key next", "at the centre: axis key next"),
    "keys.test": (
        "KHÓA THỬ NGHIỆM: khóa của {count} cơ quan do trung tâm tạo, trung tâm ký thay họ được. Chỉ để dùng thử.",
        "TEST KEYS: the centre has made the keys of {count} agencies and could sign for them. For trials only.",
    ),
    "init.enrol": (
        "Các cơ quan chưa có khóa. Tiếp theo, tại từng cơ quan: axis agency request --code MÃ --home THƯ-MỤC "
        "(docs/keys.vi.md).",
        "The agencies have no keys yet. Next, at each agency: axis agency request --code CODE --home HOME (docs/keys.en.md).",
    ),
    "registrar.none": (
        "Chưa có người đăng ký: cơ quan mất khóa sẽ không nhận được khóa mới (axis registrar key, axis registrar set).",
        "There are no registrars: an agency that loses its key could get no other (axis registrar key, axis registrar set).",
    ),
    "registrar.too_few": (
        "Cần {need} người đăng ký khác nhau, mới có {count}.",
        "{need} registrars are needed, each another one; there are {count}.",
    ),
    "registrar.made": (
        "Khóa ở {folder}, không đưa cho ai. Đưa registrar.pem cho trung tâm và đọc dấu vân tay SHA-256:\n  {fingerprint}",
        "The key is in {folder} and is for nobody else. Bring registrar.pem to the centre, and read out its SHA-256:\n"
        "  {fingerprint}",
    ),
    "registrar.vouched": (
        "Đã giới thiệu khóa mới của {code}: {file}. Đưa tệp này cho trung tâm.",
        "The new key of {code} is introduced: {file}. Bring that file to the centre.",
    ),
    "registrar.set": (
        "Danh bạ phiên bản {version}: {count} người đăng ký.",
        "Registry version {version}: {count} registrars.",
    ),
    "request.lost": (
        "Không dùng được khóa trước: {why} Khóa mới chỉ được nhận khi đủ người đăng ký giới thiệu.",
        "The key before cannot be used: {why} The new one will count only if enough registrars introduce it.",
    ),
    "request.made": (
        "Yêu cầu: {file}. Dấu vân tay SHA-256, đọc qua điện thoại:\n  {fingerprint}",
        "The request: {file}. Its SHA-256, to be read over the telephone:\n  {fingerprint}",
    ),
    "request.next": (
        "Khóa riêng ở lại máy này. Tiếp theo: đưa {file} cho trung tâm; trung tâm gọi lại và chạy axis agency admit {file:sh}.",
        "The private keys stay here. Next: bring {file} to the centre, which calls back and runs axis agency admit {file:sh}.",
    ),
    "admit.asked": (
        "{code} {name} xin chứng thư cho khóa {kind}.",
        "{code} {name} asks for a certificate of a key {kind}.",
    ),
    "admit.compare": (
        "Chưa nhận. Gọi cơ quan qua số đã biết, nghe họ đọc dấu vân tay SHA-256 rồi thêm --fingerprint. Của tệp này là:\n"
        "  {fingerprint}",
        "Nothing is admitted yet. Call the agency on a number known from before, have them read the SHA-256 to you, and "
        "add --fingerprint. This file's is:\n  {fingerprint}",
    ),
    "admit.waits": (
        "Người đăng ký đã giới thiệu khóa mới của {code}; cơ quan được báo. Chạy lại lệnh này từ {time}.",
        "Registrars have introduced the new key of {code}, and the agency is told. Run this again from {time} on.",
    ),
    "admit.done": (
        "Danh bạ phiên bản {version}: đã nhận khóa của {code}.",
        "Registry version {version}: {code} is admitted.",
    ),
    "admit.file": (
        "Tệp kết nạp, không chứa bí mật: {file}. Dấu vân tay SHA-256, đọc qua điện thoại:\n  {fingerprint}",
        "The enrolment file, without any secret: {file}. Its SHA-256, to be read over the telephone:\n  {fingerprint}",
    ),
    "admit.next": (
        "Tiếp theo, tại cơ quan: axis agency enrol {file:sh}. Khi họ đã dùng khóa mới: axis agency revoke {code:sh} chấm dứt các "
        "chứng thư cũ.",
        "Next, at the agency: axis agency enrol {file:sh}. When it uses the new key: axis agency revoke {code:sh} ends the "
        "certificates before.",
    ),
    "enrol.asked": (
        "Tệp kết nạp của {code}. Chưa dùng. Nghe trung tâm đọc dấu vân tay SHA-256 rồi thêm --fingerprint. Của tệp này là:\n"
        "  {fingerprint}",
        "The enrolment of {code}. Nothing is done yet. Have the centre read the SHA-256 to you and add --fingerprint. This "
        "file's is:\n  {fingerprint}",
    ),
    "enrol.done": (
        "{home} là thư mục dữ liệu của {code}, với khóa riêng của mình.",
        "{home} is the home of {code}, with a key of its own.",
    ),
    "enrol.next": (
        "Tiếp theo: axis adapter run {code:sh} --home {home:sh}.",
        "Next: axis adapter run {code:sh} --home {home:sh}.",
    ),
    "help.to": ("Tệp sẽ ghi.", "The file to write."),
    "help.issued": (
        "Chứng thư do CA bên ngoài (của Chính phủ) cấp cho khóa này, PEM.",
        "A certificate of this key by an outside CA (the Government's), PEM.",
    ),
    "help.authority": ("Chứng thư của CA đó, PEM.", "That CA's certificate, PEM."),
    "help.init.test_keys": (
        "Trung tâm tạo luôn khóa của các cơ quan: chỉ để dùng thử (mặc định với broker embedded).",
        "The centre makes the agencies' keys, too: for trials only (as always with the embedded broker).",
    ),
    "help.init.registrar": (
        "Chứng thư của một người đăng ký (registrar.pem); nêu nhiều lần.",
        "The certificate of a registrar (registrar.pem); several times.",
    ),
    "help.registrar": (
        "Người đăng ký: giới thiệu khóa mới của cơ quan đã mất khóa.",
        "Registrars: who introduces the key of an agency that has lost its own.",
    ),
    "help.registrar.key": (
        "Tạo khóa của một người đăng ký, ở ngoài trung tâm.",
        "Make a registrar's key, outside of the centre.",
    ),
    "help.registrar.name": ("Tên của người hoặc cơ quan giữ khóa.", "Name of the person or office that keeps it."),
    "help.registrar.to": ("Thư mục mới cho khóa.", "A new folder for the key."),
    "help.registrar.folder": ("Thư mục có khóa của người đăng ký.", "The folder with the registrar's key."),
    "help.registrar.vouch": (
        "Giới thiệu khóa mới của một cơ quan, sau khi nghe chính cơ quan đó đọc dấu vân tay.",
        "Introduce an agency's new key, after that agency has read its fingerprint to you.",
    ),
    "help.registrar.installation": (
        "Mã của hệ thống trục (installation.id trong axis.toml).",
        "The axis' id (installation.id in axis.toml).",
    ),
    "help.registrar.set": ("Nêu những người đăng ký của trục.", "Name the registrars of this axis."),
    "help.registrar.need": (
        "Bao nhiêu người phải đồng ý; mặc định: quá nửa.",
        "How many of them must agree; by default more than half.",
    ),
    "help.registrar.hours": ("Số giờ chờ trước khi khóa mới được nhận.", "Hours to wait before the new key counts."),
    "help.registrar.anew": (
        "Làm cả khi các adapter sẽ từ chối; sau đó mọi cơ quan phải kết nạp lại.",
        "Also where adapters will refuse it; every agency must then be enrolled again.",
    ),
    "help.agency.request": (
        "Tại cơ quan: tạo khóa riêng và yêu cầu cấp chứng thư. Khóa không rời máy này.",
        "At the agency: make its own key and the request for a certificate. The key never leaves this machine.",
    ),
    "help.agency.own_code": ("Mã của cơ quan.", "The agency's code."),
    "help.agency.admit": (
        "Tại trung tâm: nhận khóa của một cơ quan và tạo tệp kết nạp. Không có --fingerprint thì chỉ hiển thị.",
        "At the centre: admit an agency's key, and make the enrolment file. Without --fingerprint it is only shown.",
    ),
    "help.agency.fingerprint": (
        "SHA-256 của tệp như bên kia đã đọc qua điện thoại.",
        "SHA-256 of the file, as the other side has read it over the telephone.",
    ),
    "help.agency.enrolment": (
        "Tệp kết nạp sẽ ghi; mặc định MÃ.enrolment.",
        "Enrolment file to write; by default CODE.enrolment.",
    ),
    "help.agency.voucher": (
        "Giới thiệu của một người đăng ký khi cơ quan đã mất khóa; nêu nhiều lần.",
        "A registrar's introduction, where the agency has lost its key; several times.",
    ),
    "help.agency.rehearse": (
        "Chỉ thử: nêu những gì sẽ không được, không đổi gì.",
        "Only try it: list what would fail, and change nothing.",
    ),
    "admit.rehearsed": ("Sẽ được nhận.", "It would be admitted."),
    "help.agency.enrol": (
        "Tại cơ quan: dùng tệp kết nạp; thư mục thành thư mục dữ liệu của cơ quan, hoặc dùng khóa mới.",
        "At the agency: take the enrolment file; the folder becomes the agency's home, or uses the new key.",
    ),
    "help.agency.end": (
        "Thu hồi mọi chứng thư của cơ quan trừ cái mới nhất, hoặc cái được nêu.",
        "Revoke all of an agency's certificates but the newest, or the one that is named.",
    ),
    "help.agency.digest": ("SHA-256 của chứng thư, hoặc phần đầu.", "SHA-256 of the certificate, or how it begins."),
    "change.admit": ("được nhận với khóa riêng", "is admitted with its own key"),
    "change.claim": ("có khóa mới đang chờ", "has a new key that waits"),
    "change.revoke": ("đã thu hồi chứng thư cũ", "has old certificates revoked"),
    "change.registrars": ("đổi người đăng ký", "has other registrars"),
    "help.officer": (
        "Cán bộ: người ký các quyết định thay đổi danh bạ.",
        "Officers: who signs the acts by which the registry is changed.",
    ),
    "help.officer.key": (
        "Tạo khóa của một cán bộ, ở máy hay thẻ nhớ của người đó.",
        "Make an officer's key, on a machine or stick of their own.",
    ),
    "help.officer.name": ("Họ tên cán bộ.", "The officer's name."),
    "help.officer.password": (
        "Đọc mật khẩu của khóa từ dòng đầu của đầu vào (hoặc đặt AXIS_OFFICER_PASSWORD).",
        "Read the key's password from the first line of the input (or set AXIS_OFFICER_PASSWORD).",
    ),
    "help.officer.list": (
        "Liệt kê cán bộ và các quyết định đang chờ ký.",
        "List the officers, and the acts that wait.",
    ),
    "help.officer.add": ("Thêm một cán bộ vào danh bạ.", "Add an officer to the registry."),
    "help.officer.role": (
        "Vai trò: operator (vận hành), registrar (danh bạ), security (an toàn); nêu nhiều lần; mặc định cả ba.",
        "A role: operator, registrar or security; several times; by default all three.",
    ),
    "help.officer.remove": ("Bỏ một cán bộ khỏi danh bạ.", "Remove an officer from the registry."),
    "help.officer.sign": (
        "Xem nội dung một quyết định; với --key thì ký.",
        "See what an act says; with --key, sign it.",
    ),
    "help.officer.folder": (
        "Thư mục có khóa của cán bộ (hoặc người đăng ký).",
        "The folder with the officer's (or registrar's) key.",
    ),
    "help.officer.carry": (
        "Thực hiện một quyết định đã đủ chữ ký.",
        "Do what an act says, when it has the signatures that it needs.",
    ),
    "help.init.officer": (
        "Chứng thư của một cán bộ (officer.pem); nêu nhiều lần. Không nêu: một cán bộ, khóa nằm trong thư mục dữ liệu.",
        "The certificate of an officer (officer.pem); several times. Without: one officer, with the key in the home.",
    ),
    "column.officer": ("Cán bộ", "Officer"),
    "column.roles": ("Vai trò", "Roles"),
    "role.operator": ("vận hành", "operator"),
    "role.registrar": ("danh bạ", "registrar"),
    "role.security": ("an toàn", "security"),
    "change.officers": ("đổi cán bộ", "has other officers"),
    "officer.made": (
        "Khóa ở {folder}, không đưa cho ai. Đưa {file} cho trung tâm và đọc dấu vân tay SHA-256:\n  {fingerprint}",
        "The key is in {folder} and is for nobody else. Bring {file} to the centre, and read out its SHA-256:\n"
        "  {fingerprint}",
    ),
    "officer.alone": (
        "Chỉ có một cán bộ: một chữ ký là đủ cho mọi thay đổi (axis officer key, axis officer add).",
        "There is one officer: one signature is enough for every change (axis officer key, axis officer add).",
    ),
    "officer.none": (
        "Chưa có cán bộ: trục tự đổi danh bạ mà không ai ký (axis upgrade).",
        "There are no officers: the registry changes without anybody's signature (axis upgrade).",
    ),
    "officer.waits": ("Chờ ký: {file}", "Waits for signatures: {file}"),
    "officer.set": (
        "Danh bạ phiên bản {version}: {count} cán bộ.",
        "Registry version {version}: {count} officers.",
    ),
    "officer.act": (
        "Quyết định: {about} {what} (sau danh bạ phiên bản {version}).",
        "The act: {about} {what} (after registry version {version}).",
    ),
    "officer.why": ("Lý do: {reason}", "Reason: {reason}"),
    "officer.shown": (
        "Chưa ký. Đồng ý thì chạy: axis officer sign {file:sh} --key THƯ-MỤC",
        "Not signed. If you agree: axis officer sign {file:sh} --key FOLDER",
    ),
    "officer.signed": ("{name} đã ký {file}.", "{name} has signed {file}."),
    "officer.next": (
        "Đưa tệp về trung tâm rồi chạy: axis officer carry-out {file:sh}",
        "Bring the file back to the centre, and there: axis officer carry-out {file:sh}",
    ),
    "officer.admitted": (
        "Chạy lại axis agency admit với cùng yêu cầu để tạo tệp kết nạp.",
        "Run axis agency admit with the same request again to make the enrolment file.",
    ),
    "officer.brought": (
        "Đủ chữ ký. Chạy lại lệnh ban đầu ({about}) để thực hiện.",
        "It is signed. Run the first command again to do it ({about}).",
    ),
    "change.drop": ("bị bỏ", "is dropped"),
    "change.retention": ("theo thời hạn lưu", "by retention"),
    "audit.signed": ("ký: {names}", "signed: {names}"),
    "upgrade.officer": (
        "Danh bạ phiên bản {version} có cán bộ đầu tiên; khóa ở keys/officers/officer-1.key. Từ nay mọi thay đổi danh bạ "
        "phải có chữ ký. Thêm cán bộ: axis officer key, axis officer add.",
        "Registry version {version} has its first officer, whose key is keys/officers/officer-1.key. From now on each change "
        "of the registry is signed. Add others: axis officer key, axis officer add.",
    ),
    "doctor.officers": ("Cán bộ ký thay đổi", "Officers who sign changes"),
    "doctor.officers.found": ("{count} cán bộ: {names}", "{count}: {names}"),
    "doctor.officers.means": (
        "Có một người thì một chữ ký là đủ cho mọi thay đổi; không có ai, hay chứng thư sắp hết hạn, thì không ai ký được "
        "hoặc không cần ai ký.",
        "With one, one signature is enough for every change; with none, none is needed; one whose certificate ends can sign "
        "no more.",
    ),
    "doctor.officers.mend": (
        "axis officer key ở ngoài trung tâm, rồi axis officer add CERTIFICATE; nên có ba người",
        "axis officer key outside of the centre, then axis officer add CERTIFICATE; three are well",
    ),
    "doctor.suspended": ("Cơ quan tạm ngừng", "Suspended agencies"),
    "doctor.suspended.found": ("{count} cơ quan tạm ngừng: {names}", "{count} suspended: {names}"),
    "doctor.suspended.means": (
        "Văn bản gửi đến các cơ quan này chờ; họ không gửi được.",
        "Mail for them waits, and they cannot send.",
    ),
    "doctor.suspended.mend": (
        "axis agency resume MÃ khi hết lý do",
        "axis agency resume CODE when the reason is gone",
    ),
    "doctor.agency_certificates": ("Chứng thư của các cơ quan", "Agencies' certificates"),
    "doctor.agency_certificates.found": (
        "{count} cơ quan có chứng thư hết hạn trong 60 ngày (còn số ngày): {names}",
        "{count} agencies' certificates end within 60 days (days left): {names}",
    ),
    "doctor.agency_certificates.means": (
        "Sau ngày đó văn bản của họ bị từ chối.",
        "After that day their documents are refused.",
    ),
    "doctor.agency_certificates.mend": (
        "cơ quan đó: axis agency request --code MÃ --home HOME (docs/keys.vi.md)",
        "that agency: axis agency request --code CODE --home HOME (docs/keys.en.md)",
    ),
    "doctor.database": ("Cơ sở dữ liệu", "The database"),
    "doctor.database.found": ("không trả lời", "does not answer"),
    "doctor.database.means": (
        "Trục không tiếp nhận gì; văn bản chờ ở các cơ quan.",
        "The axis accepts nothing; documents wait at the agencies.",
    ),
    "doctor.database.mend": (
        "khởi động cơ sở dữ liệu; kiểm tra AXIS_DATABASE_URL",
        "start the database; check AXIS_DATABASE_URL",
    ),
    "doctor.schema": ("Phiên bản của cơ sở dữ liệu", "Version of the database"),
    "doctor.schema.found": ("là {got}, phần mềm này cần {wanted}", "is {got}, this program wants {wanted}"),
    "doctor.schema.means": ("Phần mềm và dữ liệu khác phiên bản.", "Program and data are of different versions."),
    "doctor.schema.mend": ("axis upgrade (sao lưu trước)", "axis upgrade (after a backup)"),
    "doctor.read_only": ("Cơ sở dữ liệu ghi được", "The database takes changes"),
    "doctor.read_only.found": ("chỉ đọc", "it is read-only"),
    "doctor.read_only.means": (
        "Trục không tiếp nhận gì cho đến khi ghi được.",
        "The axis accepts nothing until it can write.",
    ),
    "doctor.read_only.mend": (
        "nối đến máy chính (target_session_attrs=read-write), kiểm tra đĩa và quyền",
        "connect to the primary (target_session_attrs=read-write), check disk and rights",
    ),
    "doctor.durability": ("Cơ sở dữ liệu giữ được khi mất điện", "Commits survive a loss of power"),
    "doctor.durability.found": ("{names}", "{names}"),
    "doctor.durability.means": (
        "Đã báo nhận mà mất điện thì có thể mất.",
        "What was receipted could be lost with the power.",
    ),
    "doctor.durability.mend": (
        "bật lại: fsync, synchronous_commit, full_page_writes = on",
        "switch on again: fsync, synchronous_commit, full_page_writes",
    ),
    "doctor.damage": ("Tệp cơ sở dữ liệu nguyên vẹn", "The database file is whole"),
    "doctor.damage.found": ("hỏng: {said}", "damaged: {said}"),
    "doctor.damage.means": ("Đĩa đã làm hỏng dữ liệu.", "The disk has damaged data."),
    "doctor.damage.mend": (
        "dừng trục, thay đĩa, khôi phục bản sao lưu, rồi axis reconcile --restored",
        "stop, replace the disk, restore a backup, then axis reconcile --restored",
    ),
    "doctor.clock_of_the_database": ("Đồng hồ của máy cơ sở dữ liệu", "Clock of the database server"),
    "doctor.clock_of_the_database.found": ("lệch {seconds} giây", "{seconds} s apart"),
    "doctor.clock_of_the_database.means": (
        "Thời điểm trên biên nhận và hạn sẽ sai; lệch nhiều thì trục dừng.",
        "Times on receipts and deadlines will be wrong; too far apart, and the hub stops.",
    ),
    "doctor.clock_of_the_database.mend": ("đồng bộ giờ hai máy (chrony)", "synchronise both clocks (chrony)"),
    "doctor.ledger_end": ("Hồ sơ không cũ hơn lần thấy trước", "The record is not older than last seen"),
    "doctor.ledger_end.found": (
        "hồ sơ kết thúc ở vị trí {end}, trước đó đã thấy xa hơn",
        "it ends at position {end}; it had come farther",
    ),
    "doctor.ledger_end.means": (
        "Bản sao lưu cũ đã được đặt lại, hoặc nối nhầm cơ sở dữ liệu.",
        "An old backup took its place, or this is another database.",
    ),
    "doctor.ledger_end.mend": (
        "nếu đúng là bản khôi phục: axis reconcile --restored",
        "if it was restored: axis reconcile --restored",
    ),
    "doctor.ledger_links": ("Liên kết của sổ cái", "Links of the ledger"),
    "doctor.ledger_links.found": ("sai từ vị trí {said}", "wrong from position {said} on"),
    "doctor.ledger_links.means": ("Có người đã sửa hồ sơ.", "Somebody has changed the record."),
    "doctor.ledger_links.mend": (
        "dừng trục, giữ nguyên dữ liệu làm chứng cứ, khôi phục bản sao lưu",
        "stop, keep the data as evidence, restore a backup",
    ),
    "doctor.ledger_places": ("Sổ cái được nối tiếp", "The ledger goes on"),
    "doctor.ledger_places.found": ("bản ghi chờ {minutes} phút", "entries wait for {minutes} min"),
    "doctor.ledger_places.means": ("Không có hub nào đang nối sổ cái.", "No hub gives entries their place."),
    "doctor.ledger_places.mend": ("axis hub hoặc axis run", "axis hub or axis run"),
    "doctor.timestamps": ("Dấu thời gian trên sổ cái", "Time-stamps on the log"),
    "doctor.timestamps.found": ("dấu gần nhất cách đây {hours} giờ", "the last one came {hours} hours ago"),
    "doctor.timestamps.means": (
        "Dịch vụ dấu thời gian chưa trả lời; chứng cứ mới chưa có thời gian của bên thứ ba.",
        "The service has not answered; new evidence has no third party's time yet.",
    ),
    "doctor.timestamps.mend": (
        "xem [timestamps] trong axis.toml và mạng tới dịch vụ; trục tự hỏi lại",
        "see [timestamps] in axis.toml and the network to the service; the hub asks again",
    ),
    "doctor.timestamps_end": ("Dấu thời gian được gia hạn", "Time-stamps are renewed"),
    "doctor.timestamps_end.found": (
        "chứng thư của dấu gần nhất còn {days} ngày",
        "the last one's certificate has {days} days left",
    ),
    "doctor.timestamps_end.means": (
        "Sau ngày đó không ai gia hạn được chuỗi dấu thời gian bằng chính dịch vụ này.",
        "After that day this service renews the chain of time-stamps no more.",
    ),
    "doctor.timestamps_end.mend": (
        "lấy chứng thư mới của dịch vụ (hoặc dịch vụ khác) vào [timestamps] trong axis.toml; trục tự đóng dấu tiếp",
        "put the service's new certificate (or another service) into [timestamps] in axis.toml; the hub goes on stamping",
    ),
    "doctor.clock_of_the_record": ("Đồng hồ so với hồ sơ", "Clock against the record"),
    "doctor.clock_of_the_record.found": ("hồ sơ đi trước {seconds} giây", "the record is {seconds} s ahead"),
    "doctor.clock_of_the_record.means": (
        "Đồng hồ máy này chậm, hoặc trước đây đã chạy nhanh.",
        "This clock is slow, or another one was fast.",
    ),
    "doctor.clock_of_the_record.mend": (
        "đồng bộ giờ (chrony), rồi khởi động lại",
        "synchronise the clock (chrony), then start again",
    ),
    "doctor.outbox": ("Những gì phải chuyển đi", "What should have left"),
    "doctor.outbox.found": ("{count} mục chờ, lâu nhất {minutes} phút", "{count} wait, the oldest for {minutes} min"),
    "doctor.outbox.means": (
        "Không có hub nào chạy, hoặc broker không nhận.",
        "No hub runs, or the broker takes nothing.",
    ),
    "doctor.outbox.mend": ("axis hub; xem dòng broker ở trên", "axis hub; see the broker's line"),
    "doctor.hubs": ("Hub đang chạy", "A hub is at work"),
    "doctor.hubs.found": ("không có hub nào đang chạy", "no hub is at work"),
    "doctor.hubs.means": ("Không tiếp nhận, không chuyển gì.", "Nothing is accepted or passed on."),
    "doctor.hubs.mend": ("systemctl start axis-hub (hoặc axis hub)", "systemctl start axis-hub (or axis hub)"),
    "doctor.quarantine": ("Khu cách ly", "Quarantine"),
    "doctor.quarantine.found": ("{count} thông điệp của {names}", "{count} messages of {names}"),
    "doctor.quarantine.means": (
        "Không xử lý được tự động, chờ người quyết định.",
        "Nobody can deal with them but a person.",
    ),
    "doctor.quarantine.mend": ("axis queue list; axis queue show ID", "axis queue list; axis queue show ID"),
    "doctor.given_up": ("Không chuyển được", "Given up"),
    "doctor.given_up.found": ("{count} lượt đến {names}", "{count} deliveries to {names}"),
    "doctor.given_up.means": (
        "Bên gửi đã được báo (D.2); chưa ai quyết định.",
        "Their senders were told (D.2); nobody has decided.",
    ),
    "doctor.given_up.mend": (
        "axis queue list; axis queue retry hoặc return",
        "axis queue list; axis queue retry or return",
    ),
    "doctor.overdue": ("Quá hạn nhận", "Late hand-overs"),
    "doctor.overdue.found": ("{count} lượt: {names}", "{count}: {names}"),
    "doctor.overdue.means": (
        "Nơi nhận chưa lấy văn bản trong hạn.",
        "The recipients have not taken them within their term.",
    ),
    "doctor.overdue.mend": ("axis board SỐ/KÝ HIỆU; liên hệ cơ quan đó", "axis board NUMBER/NOTATION; call the agency"),
    "doctor.restored": ("Hồ sơ mới khôi phục", "A restored record"),
    "doctor.restored.found": ("còn chờ gửi lại đến {until}", "what was lost may still come until {until}"),
    "doctor.restored.means": (
        "Các cơ quan đang gửi lại những gì hồ sơ đã mất.",
        "Agencies are sending again what the record has lost.",
    ),
    "doctor.restored.mend": ("không cần làm gì; theo dõi axis queue list", "nothing; watch axis queue list"),
    "doctor.silent": ("Cơ quan không lấy văn bản", "Agencies that take nothing"),
    "doctor.silent.found": (
        "{count} cơ quan để văn bản chờ hơn một ngày: {names}",
        "{count} have let mail wait for more than a day: {names}",
    ),
    "doctor.silent.means": ("Bộ kết nối của họ có thể đã tắt.", "Their adapters may be off."),
    "doctor.silent.mend": ("liên hệ cơ quan đó; ở đó: axis doctor", "call them; there: axis doctor"),
    "doctor.witnesses": ("Bên chứng kiến sổ cái", "The log's witnesses"),
    "doctor.witnesses.found": ("{count}: {names}", "{count}: {names}"),
    "doctor.witnesses.means": (
        "Sổ cái tự mâu thuẫn hoặc nói thay cơ quan điều họ không biết; WITNESS_KEY: khóa chứng kiến của họ không phải khóa "
        "trong danh bạ; nếu chỉ nêu mã: cả ngày chưa đủ chữ ký chứng kiến.",
        "The log contradicts itself, or says what an agency does not know; WITNESS_KEY: its key is not the one in the "
        "registry; only codes: no quorum for a day.",
    ),
    "doctor.witnesses.mend": (
        "axis witness status; giữ cả hai điểm kiểm (axis witness export) và báo các cơ quan khác",
        "axis witness status; keep both checkpoints (axis witness export), and tell the other agencies",
    ),
    "doctor.witness_policy": ("Chính sách chứng kiến", "The witness policy"),
    "doctor.witness_policy.found": ("đã đổi trong 30 ngày qua: {names}", "was changed in the last 30 days: {names}"),
    "doctor.witness_policy.means": (
        "Từ nay cần số chữ ký khác, hoặc của cơ quan khác, để tin sổ cái. Không ai ngăn được việc này, nên phải biết lý do.",
        "Another number of agencies, or others, make the log believed now. Nothing prevents that, so ask why.",
    ),
    "doctor.witness_policy.mend": (
        "axis witness status; hỏi trung tâm lý do, bằng đường khác (điện thoại, văn bản giấy)",
        "axis witness status; ask the centre why, by another way (telephone, paper)",
    ),
    "doctor.aside": ("Thông điệp ký bằng khóa chưa biết", "Mail signed by a key that is not known"),
    "doctor.aside.found": ("{count}: {names}", "{count}: {names}"),
    "doctor.aside.means": (
        "Chúng chờ danh bạ cho biết khóa của trung tâm; quá 7 ngày thì bỏ, trung tâm còn bản ghi. Có thể trung tâm vừa "
        "đổi khóa, hoặc có kẻ ghi vào hàng đợi.",
        "It waits for a registry that names the hub's key; after 7 days it is given up, the hub has its record. Perhaps "
        "the hub's key is another, or somebody writes into the queue.",
    ),
    "doctor.aside.mend": (
        "hỏi trung tâm có đổi khóa không; không có thì cấp lại chứng thư broker (axis broker reissue)",
        "ask the centre whether its key is another; if not, issue the broker's certificates anew (axis broker reissue)",
    ),
    "doctor.broker": ("Broker", "The broker"),
    "doctor.broker.found": ("không trả lời", "does not answer"),
    "doctor.broker.means": ("Không gì đến hay đi; không gì mất.", "Nothing comes or goes; nothing is lost."),
    "doctor.broker.mend": (
        "khởi động broker; kiểm tra AXIS_MANAGEMENT_URL",
        "start the broker; check AXIS_MANAGEMENT_URL",
    ),
    "doctor.broker_alarms": ("Cảnh báo của broker", "The broker's alarms"),
    "doctor.broker_alarms.found": ("{names}", "{names}"),
    "doctor.broker_alarms.means": (
        "Broker không nhận thêm cho đến khi hết cảnh báo.",
        "It takes nothing more until the alarm is over.",
    ),
    "doctor.broker_alarms.mend": ("thêm bộ nhớ hoặc đĩa cho máy broker", "give the broker's machine memory or disk"),
    "doctor.clock_of_the_broker": ("Đồng hồ của máy broker", "Clock of the broker"),
    "doctor.clock_of_the_broker.found": ("lệch {seconds} giây", "{seconds} s apart"),
    "doctor.clock_of_the_broker.means": (
        "Chứng thư TLS và nhật ký của broker sẽ sai giờ.",
        "TLS certificates and the broker's traces will have the wrong time.",
    ),
    "doctor.clock_of_the_broker.mend": ("đồng bộ giờ (chrony)", "synchronise the clocks (chrony)"),
    "doctor.topology": ("Hàng đợi, tài khoản, quyền ở broker", "Queues, users, rights at the broker"),
    "doctor.topology.found": ("{count} điểm khác: {names}", "{count} differences: {names}"),
    "doctor.topology.means": (
        "Có cơ quan không gửi hoặc nhận được, hoặc có quyền thừa.",
        "Some agency cannot send or receive, or may do too much.",
    ),
    "doctor.topology.mend": ("axis broker setup", "axis broker setup"),
    "doctor.adapters": ("Bộ kết nối của các cơ quan", "Agencies' adapters"),
    "doctor.adapters.found": (
        "{count} cơ quan không kết nối mà có văn bản chờ: {names}",
        "{count} are not connected while mail waits: {names}",
    ),
    "doctor.adapters.means": ("Máy của họ tắt, hoặc mạng đứt.", "Their machine is off, or the line is cut."),
    "doctor.adapters.mend": ("ở cơ quan đó: axis adapter run MÃ", "at the agency: axis adapter run CODE"),
    "doctor.full_queues": ("Hàng đợi gần đầy", "Queues that are nearly full"),
    "doctor.full_queues.found": ("{count} hàng đợi: {names}", "{count}: {names}"),
    "doctor.full_queues.means": ("Phần còn lại chờ ở trục.", "The rest waits at the hub."),
    "doctor.full_queues.mend": ("xem bộ kết nối của cơ quan đó", "see that agency's adapter"),
    "doctor.unread": ("Văn bản gửi lên được tiếp nhận", "What agencies send is taken in"),
    "doctor.unread.found": ("{count} cơ quan chờ: {names}", "{count} agencies wait: {names}"),
    "doctor.unread.means": ("Không có hub nào nối với broker.", "No hub is connected to the broker."),
    "doctor.unread.mend": ("axis hub", "axis hub"),
    "doctor.dead_letters": ("Thư chết ở broker", "Dead letters at the broker"),
    "doctor.dead_letters.found": ("{count} thông điệp", "{count} messages"),
    "doctor.dead_letters.means": (
        "Broker để riêng những gì không ai xử lý được.",
        "The broker has put aside what nobody could deal with.",
    ),
    "doctor.dead_letters.mend": (
        "axis queue list --kind dead_letter; axis queue retry hoặc drop",
        "axis queue list --kind dead_letter; axis queue retry or drop",
    ),
    "doctor.connections": ("Thư mục, SFTP, hộp thư của các cơ quan", "Agencies' folders, drop boxes, spools"),
    "doctor.connections.found": ("{count} không dùng được: {names}", "{count} cannot be used: {names}"),
    "doctor.connections.means": (
        "Cơ quan đó không gửi và nhận được; các cơ quan khác vẫn chạy.",
        "That agency neither sends nor receives; the others do.",
    ),
    "doctor.connections.mend": ("axis adapter check CODE", "axis adapter check CODE"),
    "doctor.waiting_files": ("Gói trong outbox/", "Packets in outbox/"),
    "doctor.waiting_files.found": (
        "{count} cơ quan có gói chờ hơn 5 phút: {names}",
        "{count} agencies have packets that wait for over 5 minutes: {names}",
    ),
    "doctor.waiting_files.means": ("Không có bộ kết nối nào chạy cho cơ quan đó.", "No adapter runs for them."),
    "doctor.waiting_files.mend": ("axis run hoặc axis adapter run MÃ", "axis run or axis adapter run CODE"),
    "doctor.failed_files": ("Gói bị từ chối", "Refused packets"),
    "doctor.failed_files.found": ("{count} cơ quan: {names}", "{count} agencies: {names}"),
    "doctor.failed_files.means": (
        "Lý do ở tệp .error.json bên cạnh mỗi gói.",
        "The reason lies beside each, in its .error.json.",
    ),
    "doctor.failed_files.mend": ("sửa gói rồi đặt lại vào outbox/", "mend the packet and put it into outbox/ again"),
    "why.refused": ("{recipient} từ chối lúc {since}: {reasons}.", "{recipient} refused it at {since}: {reasons}."),
    "why.refused.next": ("Bên gửi sửa theo lý do rồi gửi văn bản mới.", "The sender mends it and sends it anew."),
    "why.unit_refused": ("Đơn vị {units} từ chối tiếp nhận (02).", "{units} refused to receive it (02)."),
    "why.unit_refused.next": (
        "Bên gửi liên hệ đơn vị đó, sửa rồi gửi lại.",
        "The sender calls that unit, mends it and sends it again.",
    ),
    "why.given_up": (
        "Chưa chuyển được đến {recipient} sau {attempts} lần: {reasons}. Bên gửi đã được báo (D.2) lúc {since}.",
        "Not delivered to {recipient} after {attempts} tries: {reasons}. The sender was told (D.2) at {since}.",
    ),
    "why.given_up.next": (
        "Quản trị: axis queue retry hoặc axis queue return; nơi nhận đã ngừng hoạt động: axis agency follow.",
        "An administrator: axis queue retry or axis queue return; where the recipient is closed: axis agency follow.",
    ),
    "why.closed": (
        "Không ai chuyển tiếp đến {recipient} nữa: {reasons}.",
        "Nobody tries to deliver it to {recipient} any more: {reasons}.",
    ),
    "why.closed.next": (
        "Cơ quan kế thừa đã có văn bản này thì không cần làm gì; chưa có thì bên gửi gửi đến nơi nhận khác.",
        "Nothing has to be done where its successor has it; otherwise the sender sends it to somebody else.",
    ),
    "why.suspended": (
        "{recipient} tạm ngừng từ {since}{because}; văn bản chờ ở trục.",
        "{recipient} is suspended since {since}{because}; it waits at the hub.",
    ),
    "why.suspended.next": (
        "Đi tiếp sau: axis agency resume {recipient:sh}.",
        "It goes on after: axis agency resume {recipient:sh}.",
    ),
    "why.retrying": (
        "Broker chưa nhận sau {attempts} lần; lần tới lúc {until}.",
        "The broker has not taken it after {attempts} tries; the next is at {until}.",
    ),
    "why.retrying.next": ("Quản trị: axis doctor.", "An administrator: axis doctor."),
    "why.stuck": (
        "Lẽ ra đã rời trục lúc {since} mà vẫn còn ở đây: không có hub nào chạy, hoặc hàng đợi của {recipient} đầy.",
        "It should have left at {since} and is still here: no hub runs, or the queue of {recipient} is full.",
    ),
    "why.stuck.next": ("Quản trị: axis doctor.", "An administrator: axis doctor."),
    "why.overdue": (
        "Ở hàng đợi của {recipient} từ {since}, quá hạn {until}; {heard}",
        "In the queue of {recipient} since {since}, due {until}; {heard}",
    ),
    "why.overdue.next": (
        "Liên hệ {recipient}: bộ kết nối ở đó có chạy không? (axis doctor)",
        "Call {recipient}: is the adapter there running? (axis doctor)",
    ),
    "why.unreceived": (
        "{recipient} có từ {since} mà chưa tiếp nhận (03), quá hạn {until}.",
        "{recipient} has it since {since} and has not received it (03), due {until}.",
    ),
    "why.unreceived.next": (
        "Văn thư của {recipient} tiếp nhận hoặc từ chối.",
        "The clerk of {recipient} receives or refuses it.",
    ),
    "why.queued": (
        "Ở hàng đợi của {recipient} từ {since}; {heard}",
        "In the queue of {recipient} since {since}; {heard}",
    ),
    "why.queued.next": (
        "Bộ kết nối của {recipient} sẽ lấy; hạn {until}.",
        "The adapter of {recipient} will take it; due {until}.",
    ),
    "why.leaving": ("Đang chuyển đến {recipient}.", "On its way to {recipient}."),
    "why.leaving.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.held": (
        "Chờ đến {until}: giờ do bên gửi đặt, hoặc hồ sơ vừa được phục hồi và yêu cầu thu hồi phải đến trước.",
        "It waits until {until}: its sender has set this hour, or the record was put back and recalls come first.",
    ),
    "why.held.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.recall_asked": (
        "{recipient} đã có; bên gửi yêu cầu thu hồi.",
        "{recipient} has it; its sender asks for it back.",
    ),
    "why.recall_asked.next": (
        "Văn thư của {recipient} đồng ý (15) hoặc từ chối (16); hạn {until}.",
        "The clerk of {recipient} agrees (15) or refuses (16); due {until}.",
    ),
    "why.arrived": ("Hệ thống của {recipient} nhận lúc {since}.", "The system of {recipient} has it since {since}."),
    "why.arrived.next": (
        "Văn thư của {recipient} tiếp nhận (03); hạn {until}.",
        "The clerk of {recipient} receives it (03); due {until}.",
    ),
    "why.in_work": ("{recipient} đã tiếp nhận ({status}).", "{recipient} has received it ({status})."),
    "why.in_work.next": ("{recipient} xử lý; hạn {until}.", "{recipient} works on it; due {until}."),
    "why.finished": ("{recipient} đã xử lý xong (06).", "{recipient} has finished it (06)."),
    "why.finished.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.recalled": (
        "Đã thu hồi lúc {since}; {recipient} chưa từng thấy.",
        "Taken back at {since}; {recipient} never saw it.",
    ),
    "why.recalled.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.given_back": ("{recipient} đã đồng ý thu hồi.", "{recipient} has agreed to the recall."),
    "why.given_back.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.heard": ("lần cuối nơi đó lấy văn bản: {at}.", "it last took something in at {at}."),
    "why.never": ("nơi đó chưa từng lấy văn bản nào.", "it has never taken anything in."),
    "why.no_term": ("không có", "none"),
    "why.because": (", lý do: {reason}", ", reason: {reason}"),
    "why.not_to": ("văn bản này không gửi đến {code}", "this document was not sent to {code}"),
    "why.own.pending": (
        "Bộ kết nối đã lấy lúc {since}; trục chưa trả lời.",
        "The adapter took it at {since}; the hub has not answered yet.",
    ),
    "why.own.pending.next": (
        "Bộ kết nối tự gửi lại đến khi có trả lời (A.1, A.2). Lâu quá: axis doctor.",
        "The adapter sends it again until it is answered (A.1, A.2). If it takes long: axis doctor.",
    ),
    "why.own.accepted": ("Trục đã nhận (A.1) lúc {since}.", "The hub accepted it (A.1) at {since}."),
    "why.own.accepted.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.own.refused": (
        "Trục từ chối (A.2) gói đưa vào lúc {since}; lý do:",
        "The hub refused (A.2) what was given at {since}; the reasons:",
    ),
    "why.own.refused.next": ("{todo}", "{todo}"),
    "why.own.mend": (
        "Sửa theo lý do rồi gửi lại với cùng DocumentId.",
        "Mend it and send it again with the same DocumentId.",
    ),
    "why.own.same_id": ("Gửi lại thì giữ nguyên DocumentId.", "What is sent again keeps its DocumentId."),
    "why.own.not_taken": (
        "Hệ thống của {recipient} không nhận (E.2), bộ kết nối lấy lúc {since}; lý do: {reasons}.",
        "The system of {recipient} refused it (E.2), which the adapter took at {since}; the reasons: {reasons}.",
    ),
    "why.own.not_taken.next": (
        "Bên gửi đã được báo (E.2) và sửa rồi gửi lại. Lỗi ở hệ thống của {recipient}: axis adapter check {recipient:sh}.",
        "The sender was told (E.2); it mends it and sends it anew. If the system of {recipient} is at fault: "
        "axis adapter check {recipient:sh}.",
    ),
    "why.own.invalid": (
        "Gói đưa vào lúc {since} không hợp lệ, chưa rời cơ quan; lý do:",
        "The packet given at {since} is invalid and has not left; the reasons:",
    ),
    "why.own.invalid.next": (
        "Sửa gói (xem failed/) rồi đặt lại vào outbox/.",
        "Mend the packet (see failed/) and put it into outbox/ again.",
    ),
    "why.own.held": (
        "Đến lúc {since}, chờ danh bạ mới để kiểm tra.",
        "It came at {since} and waits for a newer registry to be checked by.",
    ),
    "why.own.held.next": ("Không cần làm gì; danh bạ tự đến.", "Nothing has to be done; the registry comes by itself."),
    "why.own.undecided": (
        "Đến lúc {since}, bộ kết nối chưa quyết định.",
        "It came at {since}; the adapter has not decided yet.",
    ),
    "why.own.undecided.next": (
        "Bộ kết nối đang chạy thì tự xong; không thì axis doctor.",
        "Where the adapter runs it ends by itself; otherwise axis doctor.",
    ),
    "why.own.received": (
        "Bộ kết nối lấy lúc {since}, chưa bàn giao cho hệ thống của {recipient}.",
        "The adapter took it at {since} and has not handed it to the system of {recipient}.",
    ),
    "why.own.received.next": (
        "Xem hệ thống nhận có dùng được không: axis adapter check {recipient:sh}.",
        "Look whether the system can be used: axis adapter check {recipient:sh}.",
    ),
    "why.own.handing_over": (
        "Đang bàn giao cho hệ thống của {recipient} từ {since}.",
        "Being handed to the system of {recipient} since {since}.",
    ),
    "why.own.handing_over.next": (
        "Lâu quá: axis adapter check {recipient:sh}.",
        "If it takes long: axis adapter check {recipient:sh}.",
    ),
    "why.own.shown": (
        "Đã đưa ra cho hệ thống của {recipient} lúc {since}; hệ thống chưa xác nhận đã lấy.",
        "Shown to the system of {recipient} at {since}; it has not said that it has it.",
    ),
    "why.own.shown.next": (
        "Hệ thống của {recipient} lấy và xác nhận.",
        "The system of {recipient} fetches it and says so.",
    ),
    "why.own.handed_over": (
        "Hệ thống của {recipient} đã có (E.1); bộ kết nối nhận lúc {since}.",
        "The system of {recipient} has it (E.1); the adapter took it at {since}.",
    ),
    "why.own.handed_over.next": (
        "Văn thư của {recipient} tiếp nhận (03).",
        "The clerk of {recipient} receives it (03).",
    ),
    "why.own.recall_asked": (
        "{recipient} đã có; {sender} yêu cầu thu hồi lúc {since}{because}.",
        "{recipient} has it; {sender} asked for it back at {since}{because}.",
    ),
    "why.own.recall_asked.next": (
        "Văn thư của {recipient} đồng ý (15) hoặc từ chối (16).",
        "The clerk of {recipient} agrees (15) or refuses (16).",
    ),
    "why.own.given_back": (
        "{recipient} đã đồng ý thu hồi (15) lúc {since}, theo yêu cầu của {sender}{because}.",
        "{recipient} agreed to the recall (15) at {since}, as {sender} had asked{because}.",
    ),
    "why.own.given_back.next": ("Không dùng văn bản này nữa.", "The document is not used any more."),
    "why.own.recall_declined": (
        "{recipient} đã từ chối thu hồi (16) lúc {since}; {sender} đã yêu cầu{because}.",
        "{recipient} refused the recall (16) at {since}; {sender} had asked for it{because}.",
    ),
    "why.own.recall_declined.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.own.update_asked": (
        "{recipient} đã có; {sender} gửi bản cập nhật lúc {since}{because}.",
        "{recipient} has it; {sender} sent an update at {since}{because}.",
    ),
    "why.own.update_asked.next": (
        "Văn thư của {recipient} đọc bản cập nhật rồi đồng ý (15) hoặc từ chối (16).",
        "The clerk of {recipient} reads the update and agrees (15) or refuses (16).",
    ),
    "why.own.updated": (
        "{recipient} đã đồng ý bản cập nhật của {sender} (15) lúc {since}{because}.",
        "{recipient} agreed to the update of {sender} (15) at {since}{because}.",
    ),
    "why.own.updated.next": ("Dùng bản cập nhật.", "The update is what counts."),
    "why.own.update_declined": (
        "{recipient} đã từ chối bản cập nhật của {sender} (16) lúc {since}{because}.",
        "{recipient} refused the update of {sender} (16) at {since}{because}.",
    ),
    "why.own.update_declined.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.own.reported": (
        "{recipient} đã báo trạng thái {status} lúc {since}.",
        "{recipient} has reported status {status} at {since}.",
    ),
    "why.own.reported.next": ("Không phải làm gì thêm với trục.", "The axis waits for nothing."),
    "why.own.withdrawing": ("Đang thu hồi khỏi {recipient}.", "Being withdrawn from {recipient}."),
    "why.own.withdrawing.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.own.withdrawn": ("Đã thu hồi (W.1) trước khi {recipient} thấy.", "Withdrawn (W.1) before {recipient} saw it."),
    "why.own.withdrawn.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.own.done": ("Đã xong; không có gì để {recipient} xem.", "Done; there is nothing for {recipient} to see."),
    "why.own.done.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.own.doubted": (
        "Còn nghi vấn sau khi phục hồi: bản trước đó có thể đã bàn giao.",
        "In doubt after a restore: it may have been handed over before.",
    ),
    "why.own.doubted.next": (
        "Quản trị: axis adapter restored {recipient:sh}.",
        "An administrator: axis adapter restored {recipient:sh}.",
    ),
    "why.own.to.leaving": (
        "Trục đã nhận (A.1) lúc {since}; chưa có biên nhận nào về {recipient}.",
        "The hub accepted it (A.1) at {since}; no receipt about {recipient} has come.",
    ),
    "why.own.to.leaving.next": (
        "Trục đang chuyển. Lâu quá: hỏi quản trị của trục.",
        "The hub delivers it. If it takes long: ask the administrator of the hub.",
    ),
    "why.own.to.queued": (
        "Ở hàng đợi của {recipient} từ {since} (D.1).",
        "In the queue of {recipient} since {since} (D.1).",
    ),
    "why.own.to.queued.next": ("Bộ kết nối của {recipient} sẽ lấy.", "The adapter of {recipient} will take it."),
    "why.own.to.given_up": (
        "Chưa chuyển được đến {recipient} (D.2 lúc {since}).",
        "Not delivered to {recipient} (D.2 at {since}).",
    ),
    "why.own.to.given_up.next": (
        "Lý do ở biên nhận D.2 trong receipts/; hỏi quản trị của trục.",
        "The reason stands in the D.2 in receipts/; ask the administrator of the hub.",
    ),
    "why.own.to.arrived": (
        "Hệ thống của {recipient} đã có (E.1 lúc {since}).",
        "The system of {recipient} has it (E.1 at {since}).",
    ),
    "why.own.to.arrived.next": (
        "Văn thư của {recipient} tiếp nhận (03).",
        "The clerk of {recipient} receives it (03).",
    ),
    "why.own.to.refused": ("{recipient} từ chối (E.2 lúc {since}).", "{recipient} refused it (E.2 at {since})."),
    "why.own.to.refused.next": (
        "Lý do ở biên nhận E.2 trong receipts/; sửa rồi gửi văn bản mới.",
        "The reason stands in the E.2 in receipts/; mend it and send it anew.",
    ),
    "why.own.to.recalled": (
        "Đã thu hồi (W.1 lúc {since}); {recipient} chưa từng thấy.",
        "Taken back (W.1 at {since}); {recipient} never saw it.",
    ),
    "why.own.to.recalled.next": ("Không cần làm gì.", "Nothing has to be done."),
    "why.own.to.asked": (
        "{recipient} đã có; yêu cầu thu hồi chờ nơi nhận trả lời (W.2 lúc {since}).",
        "{recipient} has it; the recall is a request that waits for its answer (W.2 at {since}).",
    ),
    "why.own.to.asked.next": (
        "Văn thư của {recipient} đồng ý (15) hoặc từ chối (16).",
        "The clerk of {recipient} agrees (15) or refuses (16).",
    ),
    "why.own.to.answered": (
        "{recipient} đã có; sau yêu cầu thu hồi, nơi nhận gửi trạng thái lúc {since}.",
        "{recipient} has it; after the request to take it back it has sent a status at {since}.",
    ),
    "why.own.to.answered.next": (
        "Xem trạng thái trong status/: 15 là đồng ý thu hồi, 16 là từ chối.",
        "Read the status in status/: 15 agrees to the recall, 16 refuses it.",
    ),
    # The causes of axis why in two or three words, for tables.
    "cause.refused": ("nơi nhận từ chối", "refused by recipient"),
    "cause.unit_refused": ("đơn vị từ chối (02)", "refused by unit (02)"),
    "cause.given_up": ("chưa chuyển được (D.2)", "not delivered (D.2)"),
    "cause.closed": ("không chuyển nữa", "given up for good"),
    "cause.suspended": ("nơi nhận tạm ngừng", "recipient suspended"),
    "cause.retrying": ("broker chưa nhận", "broker takes it not"),
    "cause.stuck": ("lẽ ra đã rời trục", "should have left"),
    "cause.overdue": ("ở hàng đợi quá hạn", "overdue in queue"),
    "cause.unreceived": ("chưa tiếp nhận, quá hạn", "overdue, not received"),
    "cause.queued": ("ở hàng đợi", "in queue"),
    "cause.leaving": ("đang chuyển", "on its way"),
    "cause.held": ("chờ đến giờ đã đặt", "waits for its hour"),
    "cause.recall_asked": ("chờ trả lời thu hồi", "recall unanswered"),
    "cause.arrived": ("hệ thống đã nhận", "system has it"),
    "cause.in_work": ("đã tiếp nhận", "received"),
    "cause.finished": ("đã xử lý xong", "finished"),
    "cause.recalled": ("đã thu hồi", "taken back"),
    "cause.given_back": ("đã đồng ý thu hồi", "recall agreed"),
    "cause.own.pending": ("chờ trục trả lời", "waits for the hub"),
    "cause.own.accepted": ("trục đã nhận (A.1)", "accepted (A.1)"),
    "cause.own.refused": ("trục từ chối (A.2)", "refused by hub (A.2)"),
    "cause.own.not_taken": ("hệ thống từ chối (E.2)", "refused by the system (E.2)"),
    "cause.own.invalid": ("gói không hợp lệ", "invalid packet"),
    "cause.own.held": ("chờ danh bạ mới", "waits for a registry"),
    "cause.own.undecided": ("chưa quyết định", "not decided yet"),
    "cause.own.received": ("chờ bàn giao", "to be handed over"),
    "cause.own.handing_over": ("đang bàn giao", "being handed over"),
    "cause.own.shown": ("chờ hệ thống xác nhận", "waits for the system"),
    "cause.own.handed_over": ("đã bàn giao (E.1)", "handed over (E.1)"),
    "cause.own.recall_asked": ("chờ trả lời thu hồi", "recall unanswered"),
    "cause.own.given_back": ("đã đồng ý thu hồi (15)", "recall agreed (15)"),
    "cause.own.recall_declined": ("đã từ chối thu hồi (16)", "recall refused (16)"),
    "cause.own.update_asked": ("chờ trả lời cập nhật", "update unanswered"),
    "cause.own.updated": ("đã đồng ý cập nhật (15)", "update agreed (15)"),
    "cause.own.update_declined": ("đã từ chối cập nhật (16)", "update refused (16)"),
    "cause.own.reported": ("đã báo trạng thái", "status reported"),
    "cause.own.withdrawing": ("đang thu hồi", "being withdrawn"),
    "cause.own.withdrawn": ("đã thu hồi (W.1)", "withdrawn (W.1)"),
    "cause.own.done": ("đã xong", "done"),
    "cause.own.to.leaving": ("đang chuyển", "on its way"),
    "cause.own.to.queued": ("ở hàng đợi (D.1)", "in queue (D.1)"),
    "cause.own.to.given_up": ("chưa chuyển được (D.2)", "not delivered (D.2)"),
    "cause.own.to.arrived": ("hệ thống đã nhận (E.1)", "system has it (E.1)"),
    "cause.own.to.refused": ("nơi nhận từ chối (E.2)", "refused (E.2)"),
    "cause.own.to.recalled": ("đã thu hồi (W.1)", "taken back (W.1)"),
    "cause.own.to.asked": ("chờ trả lời thu hồi (W.2)", "recall asked (W.2)"),
    "cause.own.to.answered": ("đã trả lời sau yêu cầu thu hồi", "answered after the recall"),
    "cause.own.doubted": ("còn nghi vấn", "in doubt"),
    "help.status": (
        "Tình hình lúc này trên một màn hình: việc có vấn đề trước, tốc độ, tồn đọng, hạ tầng. Mã thoát 0: không có gì phải làm "
        "ngay; 5: có.",
        "How things stand on one screen: trouble first, rates, backlog, servers. Exit code 0: nothing to be done at once; 5: "
        "something.",
    ),
    "help.status.watch": (
        "Vẽ lại liên tục; ngoài màn hình thì chỉ in khi tình hình thay đổi.",
        "Draw it anew all the time; off a terminal print only when something has changed.",
    ),
    "help.status.interval": ("Số giây giữa hai lần xem.", "Seconds between two looks."),
    "help.status.agencies": (
        "Cả bảng các cơ quan: gửi, nhận lần cuối lúc nào, còn chờ bao nhiêu.",
        "Also each agency: when it last sent and took something, what waits for it.",
    ),
    "status.title": ("Tình hình trục", "The axis"),
    "status.good": ("BÌNH THƯỜNG", "ALL WELL"),
    "status.trouble": ("{bad} việc phải làm ngay, {warn} cần xem", "{bad} to be done at once, {warn} to be looked at"),
    "status.cause": (
        "{agency}: {cause} · {count}, lâu nhất {age} · {actor}",
        "{agency}: {cause} · {count}, oldest {age} · {actor}",
    ),
    "status.is_more": (
        "Còn nữa: chỉ đếm vài nghìn văn bản mới nhất.",
        "There are more: only the newest few thousand are counted.",
    ),
    "status.more": ("… và {count} dòng nữa (--json)", "… and {count} more (--json)"),
    "status.today": ("Hôm nay", "Today"),
    "status.accepted": (
        "tiếp nhận {documents} văn bản (1 giờ qua {hour}, 5 phút qua {five_minutes})",
        "{documents} documents accepted ({hour} within 1 h, {five_minutes} within 5 min)",
    ),
    "status.delivered": (
        "bàn giao {handed_over} · chờ {open} · chưa chuyển được {failed}",
        "{handed_over} handed over · {open} wait · {failed} not delivered",
    ),
    "status.refused": (
        "trục từ chối {rejected} · nơi nhận từ chối {refused} · thu hồi {recalled}",
        "{rejected} refused by the hub · {refused} by recipients · {recalled} taken back",
    ),
    "status.waiting": ("Đang chờ", "Waiting"),
    "status.wait": (
        "{cause}: {count} (số cơ quan: {agencies}), lâu nhất {age}",
        "{cause}: {count} (agencies: {agencies}), oldest {age}",
    ),
    "status.nothing": ("không có gì", "nothing"),
    "status.nothing_else": ("ngoài các việc trên: không có gì", "beside what stands above: nothing"),
    "status.silent": ("Im lặng 24 giờ", "Silent for 24 h"),
    "status.silent_of": ("{count} cơ quan: {names}", "{count} agencies: {names}"),
    "status.never": ("{count} cơ quan chưa từng gửi nhận: {names}", "{count} never sent or took anything: {names}"),
    "status.nobody": ("không cơ quan nào", "no agency"),
    "status.broker": ("Broker", "Broker"),
    "status.database": ("Cơ sở dữ liệu", "Database"),
    "status.disk": ("Đĩa", "Disk"),
    "status.ledger": ("Sổ cái", "Ledger"),
    "status.certificates": ("Chứng thư", "Certificates"),
    "status.sent": ("Gửi hôm nay", "Sent today"),
    "status.received": ("Nhận hôm nay", "Received today"),
    "status.embedded": ("trong cùng tiến trình; thư chết: {count}", "in the same process; dead letters: {count}"),
    "status.management": (
        "không xem được: chưa đặt AXIS_MANAGEMENT_URL",
        "cannot be looked at: AXIS_MANAGEMENT_URL is not set",
    ),
    "status.served": ("RabbitMQ {version}; thư chết: {count}", "RabbitMQ {version}; dead letters: {count}"),
    "status.end": ("{end} mục, mục cuối {at}", "{end} entries, the last {at}"),
    "status.valid": ("không có cái nào hết hạn trong 60 ngày", "none ends within 60 days"),
    "status.next": (
        "Cách sửa: axis doctor · Văn bản nào: axis list --state trouble",
        "To mend it: axis doctor · Which documents: axis list --state trouble",
    ),
    "status.agency": ("Cơ quan", "Agency"),
    "status.last_sent": ("Gửi lần cuối", "Last sent"),
    "status.last_taken": ("Nhận lần cuối", "Last taken"),
    "status.oldest": ("Lâu nhất", "Oldest"),
    "actor.sender": ("bên gửi", "sender"),
    "actor.recipient": ("nơi nhận", "recipient"),
    "actor.operator": ("quản trị", "administrator"),
    "actor.hub": ("trục", "hub"),
    "actor.nobody": ("không ai", "nobody"),
    "help.list": (
        "Danh sách văn bản theo bên gửi, nơi nhận, thời gian, tình trạng, loại, độ khẩn, từ trong trích yếu.",
        "Documents by sender, recipient, time, state, kind, priority, words of the subject.",
    ),
    "help.list.to": ("Chỉ văn bản gửi đến cơ quan này.", "Only what goes to this agency."),
    "help.list.date": (
        "Chỉ văn bản trục tiếp nhận trong kỳ: today, yesterday, 2026-11-25, 2026-11, 2026-11-20..2026-11-25.",
        "Only what was accepted then: today, yesterday, 2026-11-25, 2026-11, 2026-11-20..2026-11-25.",
    ),
    "help.list.state": (
        "Chỉ văn bản đang ở tình trạng này (lặp lại được): các nguyên nhân như axis why, hoặc trouble (có việc), waiting (đang "
        "chờ), good (tốt).",
        "Only what stands so (repeatable): the causes of axis why, or trouble, waiting, good.",
    ),
    "help.list.kind": ("Loại.", "The kind."),
    "help.list.type": ("Chỉ văn bản thuộc loại nghiệp vụ này.", "Only documents of this document type."),
    "help.list.priority": ("Độ khẩn từ mức này trở lên (1: khẩn).", "Of this priority or more (1: urgent)."),
    "help.list.limit": ("Số văn bản mỗi trang.", "Documents of a page."),
    "help.list.after": ("Trang sau, từ chỗ mà trang trước nói.", "The next page, from where the one before says."),
    "help.list.every": ("Tất cả các trang, hết trang này đến trang khác.", "Every page, one after another."),
    "help.list.csv": ("In dạng CSV, mỗi nơi nhận một dòng.", "Print CSV, a line for each recipient."),
    "list.period": (
        "viết today, yesterday, 2026, Q3/2026, 08/2026, 31/08/2026 hoặc 10/08/2026..20/08/2026 (hoặc 2026-08-31)",
        "write today, yesterday, 2026, 2026-Q3, 2026-08, 2026-08-31 or 2026-08-10..2026-08-20",
    ),
    "list.place": ("không phải chỗ của một trang", "not a place of a page"),
    "list.one_form": ("--json và --csv không đi cùng nhau", "--json and --csv exclude one another"),
    "list.none": ("Không có văn bản nào như vậy.", "There are no such documents."),
    "list.none.so_far": (
        "Trong phần đã tìm chưa có văn bản nào như vậy.",
        "There are no such documents in the part that was looked through.",
    ),
    "list.shown": ("{count} văn bản.", "{count} documents."),
    "list.next": (
        "Còn nữa; trang sau: thêm --after {after:sh}",
        "There are more; the next page: add --after {after:sh}",
    ),
    "list.short": (
        "Mỗi trang chỉ tìm trong một phần văn bản, phần này chưa đủ một trang; tìm tiếp: thêm --after {after:sh}, hoặc --all",
        "A page looks through a part of the documents only, which was not enough to fill it; to go on: add "
        "--after {after:sh}, or --all",
    ),
    "help.why": (
        "Vì sao văn bản chưa đến: đang ở đâu, từ khi nào, ai phải làm gì.",
        "Why a document has not come: where it is, since when, who has to do what.",
    ),
    "help.why.to": ("Chỉ nơi nhận này.", "Only this recipient."),
    "help.trace.follow": (
        "Sau đó in thêm từng sự kiện cho đến khi mọi nơi nhận đều có (hoặc Ctrl-C).",
        "Go on with each event as it happens, until every recipient has it (or Ctrl-C).",
    ),
    "help.trace.interval": ("Số giây giữa hai lần xem lại.", "Seconds between two looks."),
    "help.find.from": ("Chỉ của cơ quan gửi này.", "Only what this agency sent."),
    "help.find.date": (
        "Chỉ văn bản trục tiếp nhận trong ngày hoặc kỳ này (2026-11-25, 2026-11).",
        "Only what was accepted on this day or in this period (2026-11-25, 2026-11).",
    ),
    "find.similar": ("Không có văn bản nào đúng như vậy. Tương tự:", "There is no such document. Similar ones:"),
    "find.several": (
        "Có nhiều văn bản như vậy; chọn bằng --from, --date hoặc axis id:",
        "There are several; tell them apart by --from, --date or the axis id:",
    ),
    "find.several_id": (
        "Có nhiều văn bản như vậy; chọn bằng axis id:",
        "There are several; name one by its axis id:",
    ),
    "find.more": ("… còn nữa; thêm từ, --from hoặc --date.", "… and more; add words, --from or --date."),
    "find.refused": (
        "Trục đã từ chối (A.2) {count} lần gửi mang số này; lý do:",
        "The hub has refused (A.2) {count} submissions of this number; the reasons:",
    ),
    "find.refused.next": ("Bên gửi: {todo}", "The sender: {todo}"),
    "find.invalid": (
        "Bộ kết nối của {sender} không gửi gói lấy lúc {since}: không hợp lệ.",
        "The adapter of {sender} did not send what it took at {since}: it is invalid.",
    ),
    "find.invalid.next": (
        "Bên gửi sửa gói (xem failed/) rồi đặt lại vào outbox/.",
        "The sender mends the packet (see failed/) and puts it into outbox/ again.",
    ),
    "find.pending": (
        "Bộ kết nối của {sender} lấy lúc {since}; trục chưa trả lời.",
        "The adapter of {sender} took it at {since}; the hub has not answered yet.",
    ),
    "find.pending.next": (
        "Tự xong khi bộ kết nối và hub chạy: axis doctor.",
        "It goes on where adapter and hub run: axis doctor.",
    ),
    "find.outbox": (
        "Còn trong outbox/ của {sender} từ {since}; chưa bộ kết nối nào lấy.",
        "It lies in outbox/ of {sender} since {since}; no adapter has taken it.",
    ),
    "find.outbox.next": (
        "Chạy bộ kết nối: axis run hoặc axis adapter run; xem axis adapter check.",
        "Start the adapter: axis run or axis adapter run; see axis adapter check.",
    ),
    "find.quarantine": (
        "Gói của {sender} bị cách ly lúc {since}; trục chưa xét được.",
        "What {sender} sent waits in quarantine since {since}; the hub could not judge it.",
    ),
    "find.quarantine.next": ("Quản trị: axis queue show {id:sh}", "An administrator: axis queue show {id:sh}"),
    "find.dead_letter": (
        "Gói của {sender} nằm ở thư chết của broker từ {since}.",
        "What {sender} sent is a dead letter of the broker since {since}.",
    ),
    "find.dead_letter.next": ("Quản trị: axis queue show {id:sh}", "An administrator: axis queue show {id:sh}"),
    "find.accepted": ("Tiếp nhận lúc", "Accepted"),
    "find.number": ("Số, ký hiệu", "Number"),
    "find.subject": ("Trích yếu", "Subject"),
    "find.from": ("Bên gửi", "Sender"),
    "help.report": (
        "Số liệu của một kỳ: đã gửi, đã nhận, đúng hạn, trễ hạn, bị từ chối; so với kỳ trước.",
        "The figures of a period: sent, received, on time, late, refused; against the period before.",
    ),
    "help.report.by": ("Mỗi dòng là gì.", "What a row is."),
    "help.report.span": (
        "Kỳ hiện tại dài bao lâu, nếu không nêu KỲ.",
        "The present period's length, without PERIOD.",
    ),
    "help.report.agency": ("Chỉ của cơ quan này.", "Of this agency alone."),
    "help.report.csv": ("In dạng CSV.", "Print CSV."),
    "help.report.html": ("Ghi một trang HTML để in hoặc trình chiếu.", "Write an HTML page to print or show."),
    "duration.second": ("{count} giây", "{count} s"),
    "duration.minute": ("{count} phút", "{count} min"),
    "duration.hour": ("{count} giờ", "{count} h"),
    "duration.day": ("{count} ngày", "{count} d"),
    "usage.bytes": (
        "Đối số có byte không phải là chữ UTF-8.",
        "An argument has bytes that are no UTF-8 text.",
    ),
    "report.period": (
        "kỳ báo cáo viết như 2026, Q3/2026, 08/2026, 31/08/2026 hoặc 10/08/2026..20/08/2026 (hoặc 2026-08-31)",
        "a period is written like 2026, 2026-Q3, 2026-08, 2026-08-31 or 2026-08-10..2026-08-20",
    ),
    "report.title": ("Báo cáo từ {since} đến {until}", "Report from {since} to {until}"),
    "report.so_far": ("(kỳ chưa kết thúc)", "(so far)"),
    "report.nothing": ("Không có văn bản nào trong kỳ này.", "No documents in this period."),
    "report.written": ("Đã ghi {file}.", "Written: {file}."),
    "report.all": ("Tổng", "All"),
    "report.by.agency": ("Cơ quan", "Agency"),
    "report.by.unit": ("Đơn vị", "Unit"),
    "report.by.kind": ("Loại", "Kind"),
    "report.by.priority": ("Mức khẩn", "Priority"),
    "report.by.day": ("Ngày", "Day"),
    "report.by.month": ("Tháng", "Month"),
    "report.by.type": ("Loại nghiệp vụ", "Document type"),
    "report.kind.new": ("văn bản mới", "new"),
    "report.kind.replace": ("thay thế", "replacement"),
    "report.kind.update": ("cập nhật", "update"),
    "report.kind.recall": ("thu hồi", "recall"),
    "report.kind.status": ("trạng thái", "status"),
    "report.documents": ("Gửi", "Sent"),
    "report.deliveries": ("Đến", "To them"),
    "report.on_time": ("Đúng hạn", "On time"),
    "report.late": ("Trễ", "Late"),
    "report.untimed": ("Không hạn", "No term"),
    "report.open": ("Đang chờ", "Open"),
    "report.overdue": ("Quá hạn", "Overdue"),
    "report.refused": ("Từ chối", "Refused"),
    "report.recalled": ("Thu hồi", "Recalled"),
    "report.given_up": ("Không đến", "Given up"),
    "report.ratio": ("% đúng hạn", "% on time"),
    "report.median": ("Trung vị", "Median"),
    "report.p95": ("95 %", "95 %"),
    "report.ratios": (
        "Tỷ lệ đúng hạn: {pooled} tính chung tất cả văn bản; {mean} nếu lấy trung bình của {agencies} cơ quan.",
        "On time: {pooled} of all documents together; {mean} as the mean of {agencies} agencies.",
    ),
    "report.ratio.pooled": (
        "Tỷ lệ đúng hạn: {pooled} tính chung tất cả văn bản.",
        "On time: {pooled} of all documents together.",
    ),
    "report.grew": ("tăng {by}", "{by} more"),
    "report.shrank": ("giảm {by}", "{by} less"),
    "report.change.documents": (
        "Đã gửi {count} văn bản, bằng {share} cùng kỳ trước ({before}), {by}.",
        "{count} documents were sent, {share} of the period before ({before}), {by}.",
    ),
    "report.change.handed_over": (
        "Đã nhận {count} lượt, bằng {share} cùng kỳ trước ({before}), {by}.",
        "{count} were received, {share} of the period before ({before}), {by}.",
    ),
    "report.first.documents": (
        "Đã gửi {count} văn bản; kỳ trước không có.",
        "{count} documents were sent; none in the period before.",
    ),
    "report.first.handed_over": (
        "Đã nhận {count} lượt; kỳ trước không có.",
        "{count} were received; none in the period before.",
    ),
    "report.rejected": (
        "Trục từ chối {count} lần gửi (A.2), nhiều nhất vì: {reasons}.",
        "The hub refused {count} submissions (A.2), most of them for: {reasons}.",
    ),
    "report.leg.reception": (
        "Tiếp nhận (03 hoặc 02): {ratio} đúng hạn, trung vị {median} sau khi đến.",
        "Reception (03 or 02): {ratio} on time, median {median} after the hand-over.",
    ),
    "report.leg.reception.bare": (
        "Tiếp nhận (03 hoặc 02): {ratio} đúng hạn.",
        "Reception (03 or 02): {ratio} on time.",
    ),
    "report.leg.processing.bare": ("Xử lý xong (06): {ratio} đúng hạn.", "Processing (06): {ratio} on time."),
    "report.leg.processing": (
        "Xử lý xong (06): {ratio} đúng hạn, trung vị {median} sau khi đến.",
        "Processing (06): {ratio} on time, median {median} after the hand-over.",
    ),
    "report.page.chart": ("Văn bản đến theo kết quả", "Documents received, by outcome"),
    "report.page.most": ("Nhiều nhất: {row}, {count}.", "Most: {row}, {count}."),
    "report.page.table": ("Bảng số liệu", "All figures"),
    "report.page.how": (
        "Tính theo văn bản được trục tiếp nhận trong kỳ ({asked}), trạng thái tại lúc lập báo cáo. Tỷ lệ đúng hạn = "
        "đúng hạn / (đúng hạn + trễ + quá hạn).",
        "Counted is what the axis accepted within the period ({asked}), as it stood when this was made. On time = on "
        "time / (on time + late + overdue).",
    ),
    "help.demo.story": (
        "Kể gì: exchange (văn bản giữa 95 cơ quan), dossier (một hồ sơ dịch vụ công) hoặc ecabinet (một phiếu lấy ý "
        "kiến 25 thành viên Chính phủ).",
        "What is told: exchange (documents between 95 agencies), dossier (one application for a public service) or "
        "ecabinet (a ballot of the Government's 25 members).",
    ),
    "dossier.scene.registered": ("Công dân nộp hồ sơ ở bộ phận một cửa.", "A citizen applies at the one-stop desk."),
    "dossier.told.registered": (
        "Hồ sơ {number}; trạng thái tại từng cơ quan: {known}.\nPhiên cũ của hệ thống một cửa đã hết hạn: đăng nhập lại "
        "{log_ins} lần.",
        "Application {number}; its status at each agency: {known}.\nThe desk's old session was over: it has logged in "
        "again, {log_ins} time(s).",
    ),
    "dossier.scene.illegal": (
        "Báo đã trả kết quả khi mới đăng ký: bị từ chối.",
        "Returned though just registered: refused.",
    ),
    "dossier.told.illegal": ("{code}: {sentence}", "{code}: {sentence}"),
    "dossier.scene.due": ("Lùi ngày hẹn trả.", "The due date is put off."),
    "dossier.told.due": (
        "Không có lý do: {code}: {sentence}\nKèm yêu cầu bổ sung giấy tờ: được nhận, hẹn trả {due}.",
        "Without a reason: {code}: {sentence}\nWith a request for a supplement: taken, due on {due}.",
    ),
    "dossier.scene.paid": ("Thanh toán trực tuyến.", "The fee is paid on line."),
    "dossier.told.paid": (
        "Mã thanh toán lặp lại: {code}: {sentence}\nMã mới {order}: {amount} đồng qua {bank}, chờ rồi thành công.",
        "A payment reference that came twice: {code}: {sentence}\nAnother, {order}: {amount} VND through {bank}, pending, "
        "then paid.",
    ),
    "dossier.scene.posted": ("Trả kết quả qua bưu chính.", "The result goes back by post."),
    "dossier.told.posted": (
        "Báo đang chuyển khi bưu điện chưa trả lời: {code}: {sentence}\nCó mã vận đơn {waybill}: đã phát.",
        "Said to be on its way before the post has answered: {code}: {sentence}\nWith the waybill {waybill}: delivered.",
    ),
    "dossier.scene.returned": ("Hồ sơ đã qua đủ các bước.", "The application has come to its end."),
    "dossier.told.returned": ("Trạng thái tại từng cơ quan: {known}.", "Its status at each agency: {known}."),
    "dossier.scene.figures": ("Số liệu của tháng.", "The month in figures."),
    "dossier.told.figures": (
        "Tiếp nhận {received}; giải quyết sớm {early}, đúng hạn {on_time}, trễ {late}; trả qua bưu chính {returned}; thanh "
        "toán trực tuyến {paid} ({banks}).",
        "Received {received}; resolved early {early}, on time {on_time}, late {late}; returned by post {returned}; paid on "
        "line {paid} ({banks}).",
    ),
    "dossier.left": (
        "Xem số liệu: axis report dossiers --by ministry --home {home:sh}",
        "See the figures: axis report dossiers --by ministry --home {home:sh}",
    ),
    "help.report.dossiers": (
        "Số liệu hồ sơ thủ tục hành chính của một kỳ: tồn kỳ trước, tiếp nhận, giải quyết sớm, đúng, trễ hạn, đang giải "
        "quyết, rút, bưu chính, thanh toán trực tuyến. Gõ: axis report dossiers.",
        "The figures of a period in applications for public services: carried over, received, resolved early, on time, "
        "late, open, withdrawn, by post, paid on line. Typed: axis report dossiers.",
    ),
    "help.report.published": (
        "Đối chiếu một bản ghi sinh ra với số liệu công bố năm 2020; không cần home.",
        "Show a generated record beside the figures published in 2020; needs no home.",
    ),
    "dossiers.title": ("Hồ sơ từ {since} đến {until}", "Applications from {since} to {until}"),
    "dossiers.nothing": ("Không có hồ sơ nào trong kỳ này.", "No applications in this period."),
    "dossiers.by.province": ("Tỉnh, thành phố", "Province"),
    "dossiers.by.ministry": ("Bộ, ngành", "Ministry"),
    "dossiers.by.service": ("Thủ tục", "Service"),
    "dossiers.by.month": ("Tháng", "Month"),
    "dossiers.by.channel": ("Kênh", "Channel"),
    "dossiers.channel.on_line": ("trực tuyến", "on line"),
    "dossiers.channel.post": ("bưu chính", "post"),
    "dossiers.channel.counter": ("trực tiếp", "counter"),
    "dossiers.carried_over": ("Tồn", "Carried over"),
    "dossiers.received": ("Tiếp nhận", "Received"),
    "dossiers.resolved": ("Giải quyết", "Resolved"),
    "dossiers.early": ("Sớm", "Early"),
    "dossiers.on_time": ("Đúng hạn", "On time"),
    "dossiers.late": ("Trễ", "Late"),
    "dossiers.open": ("Đang giải quyết", "Open"),
    "dossiers.withdrawn": ("Rút", "Withdrawn"),
    "dossiers.collected": ("Bưu chính đến", "Post in"),
    "dossiers.returned": ("Bưu chính trả", "Post out"),
    "dossiers.paid": ("Trả phí trực tuyến", "Paid on line"),
    "dossiers.ratio": ("% đúng hạn", "% on time"),
    "dossiers.ratios": (
        "Giải quyết đúng hạn: {pooled} tính chung; {mean} nếu lấy trung bình của {rows} dòng.",
        "Resolved on time: {pooled} of all together; {mean} as the mean of {rows} rows.",
    ),
    "dossiers.others": (
        "Ngoài ra: không tiếp nhận {not_accepted}, dừng xử lý {stopped}; đang giải quyết đã quá hạn {overdue}.",
        "Besides: not accepted {not_accepted}, stopped {stopped}; open and overdue {overdue}.",
    ),
    "dossiers.sound": (
        "Số liệu khớp: tồn + tiếp nhận = giải quyết + rút + dừng + không tiếp nhận + đang giải quyết, ở mọi dòng.",
        "The figures add up: carried over + received = resolved + withdrawn + stopped + not accepted + open, in each row.",
    ),
    "dossiers.broken": (
        "Không khớp ở {row}: {left} so với {right} ({identity}).",
        "{row} does not add up: {left} against {right} ({identity}).",
    ),
    "dossiers.banks": ("Thanh toán trực tuyến qua: {banks}.", "Paid on line through: {banks}."),
    "dossiers.coverage": (
        "{exchanging}/{members} cơ quan vừa gửi vừa nhận văn bản trên trục trong kỳ.",
        "{exchanging}/{members} agencies have both sent and received documents on the axis within the period.",
    ),
    "dossiers.missing": ("Chưa: {agencies}.", "Not yet: {agencies}."),
    "dossiers.services": (
        "Đến hết kỳ: {services} thủ tục đã có hồ sơ, tính theo cơ quan là {offers} lượt.",
        "By the end of the period: {services} services with applications, {offers} counted by agency.",
    ),
    "dossiers.target": (
        "Mục tiêu {target} của {services} dịch vụ: đã đạt {reached} {bar}",
        "Target {target} of {services} services: reached {reached} {bar}",
    ),
    "published.title": (
        "Số liệu công bố năm 2020 và số liệu của một bản ghi khớp với số đếm đã công bố",
        "What was published in 2020, and what a record comes to that agrees with the published counts",
    ),
    "published.figure": ("Chỉ tiêu", "Figure"),
    "published.published": ("Công bố", "Published"),
    "published.found": ("Theo bản ghi", "Of the record"),
    "published.note": ("Chú thích", "Note"),
    "published.unit.thousand": ("{value} nghìn", "{value} thousand"),
    "published.unit.billion": ("{value} tỷ đồng", "{value} billion VND"),
    "published.coverage": ("Cơ quan gửi, nhận văn bản điện tử, trên 95", "Agencies that exchange documents, of 95"),
    "published.launch": ("Nhóm dịch vụ khi khai trương", "Groups of services at the launch"),
    "published.added": ("Dịch vụ thêm từ 13/3/2020", "Services added since 13 March 2020"),
    "published.fines": ("Nộp phạt giao thông: thành phố", "Traffic fines: cities"),
    "published.fee": ("Lệ phí trước bạ: địa phương", "Registration fee: localities"),
    "published.births": ("Đăng ký khai sinh: địa phương", "Birth registration: localities"),
    "published.records": ("Phiếu lý lịch tư pháp: địa phương", "Criminal records: localities"),
    "published.nationwide": ("Nộp phạt, trước bạ từ 6/2020: địa phương", "Fines and fee since June 2020: localities"),
    "published.ministries": ("Bộ: dịch vụ mức 3-4 có hồ sơ", "Ministries: services with applications"),
    "published.localities": ("Địa phương: dịch vụ mức 3-4 có hồ sơ", "Localities: services with applications"),
    "published.target": ("Dịch vụ tích hợp trong năm 2020", "Services integrated in 2020"),
    "published.collected": ("2019: nhận hồ sơ qua bưu chính", "2019: received by post"),
    "published.returned": ("2019: trả kết quả qua bưu chính", "2019: returned by post"),
    "published.postal": ("2019: cả hai chiều", "2019: both ways"),
    "published.banks": ("Ngân hàng, ví nhận thanh toán", "Banks and wallets that take payments"),
    "published.hanoi.received": ("Hà Nội 1/1-28/4: tiếp nhận", "Hà Nội, 1 January to 28 April: received"),
    "published.hanoi.in_time": ("Hà Nội: giải quyết đúng hạn", "Hà Nội: resolved in time"),
    "published.hanoi.ratio": ("Hà Nội: tỷ lệ", "Hà Nội: ratio"),
    "published.city.received": ("TP HCM: tiếp nhận", "Hồ Chí Minh City: received"),
    "published.city.resolved": ("TP HCM: giải quyết", "Hồ Chí Minh City: resolved"),
    "published.city.mean": ("TP HCM: trung bình đúng hạn", "Hồ Chí Minh City: average on time"),
    "published.ninh.in_time": ("Quảng Ninh: đúng hạn", "Quảng Ninh: in time"),
    "published.an.received": ("Nghệ An: tiếp nhận", "Nghệ An: received"),
    "published.an.resolved": ("Nghệ An: giải quyết", "Nghệ An: resolved"),
    "published.february.received": ("Hà Nội tháng 2: tiếp nhận", "Hà Nội in February: received"),
    "published.february.growth": ("Hà Nội tháng 2: tiếp nhận tăng", "Hà Nội in February: received, growth"),
    "published.february.resolved": ("Hà Nội tháng 2: giải quyết", "Hà Nội in February: resolved"),
    "published.february.resolved_growth": ("Hà Nội tháng 2: giải quyết tăng", "Hà Nội in February: resolved, growth"),
    "published.savings": ("Tiết kiệm mỗi năm", "Saved in a year"),
    "published.note.target": (
        "Mục tiêu của cả năm, không phải kết quả; theo bản ghi là tỷ lệ dịch vụ đã có hồ sơ.",
        "The target of the whole year, not a result; of the record it is the share of services with applications.",
    ),
    "published.note.share": (
        "Hai chiều đúng bằng {share} và phần còn lại của tổng: số công bố là ước lượng theo tỷ lệ, không phải số đếm. Bản "
        "ghi lấy tỷ lệ ấy làm đầu vào.",
        "One way is exactly {share} of the total, the other the rest: what was published is an estimate by a share, not a "
        "count. The record takes that share as given.",
    ),
    "published.note.banks": (
        "Công bố: Vietcombank, VietinBank, khoảng 30 ngân hàng khác qua VNPT Pay, Momo; bản ghi lấy đúng 30.",
        "Published: Vietcombank, VietinBank, about 30 other banks through VNPT Pay, Momo; the record takes exactly 30.",
    ),
    "published.note.hanoi": (
        "{in_time} đúng hạn trên {received} tiếp nhận là số bên phải, không phải 90 %. Nếu {in_time} là tổng số đã giải "
        "quyết thì 90 % đúng hạn phải là {would}.",
        "{in_time} in time of {received} received is the figure on the right, not 90 %. If {in_time} were all that was "
        "resolved, 90 % in time would be {would}.",
    ),
    "published.note.mean": (
        "Trung bình của các sở, mỗi sở tính như nhau; tính chung mọi hồ sơ là {pooled}.",
        "The mean of the departments, each counting the same; of all applications together it is {pooled}.",
    ),
    "published.note.growth": (
        "{now} bằng {share} của {before} tháng trước; «tăng» là phần vượt trên 100 %. Tăng như công bố phải là {would}.",
        "{now} is {share} of {before} the month before; growth is what is above 100 %. Growth as published would be {would}.",
    ),
    "published.note.savings": (
        "Ước tính bằng mô hình chi phí, không đếm được từ bản ghi; bên phải là tổng ba phần đã công bố (958,4 + 1.558 + 740).",
        "An estimate by a model of costs that no record can count; on the right the sum of the three published parts "
        "(958.4 + 1,558 + 740).",
    ),
    "published.months": ("Hà Nội theo tháng", "Hà Nội by month"),
    "help.resend": (
        "Chuyển lại văn bản đến nơi nhận: theo văn bản, cơ quan hoặc thời gian. Nơi đã có văn bản không nhận hai lần.",
        "Publish deliveries once more, by document, agency or time. Whoever has it already does not get it twice.",
    ),
    "help.resend.agency": ("Chỉ đến cơ quan này.", "Only to this agency."),
    "help.resend.since": ("Tiếp nhận từ lúc này (giờ Việt Nam).", "Accepted since then (Viet Nam time)."),
    "help.resend.until": ("Tiếp nhận đến lúc này (giờ Việt Nam).", "Accepted until then (Viet Nam time)."),
    "help.resend.answered": ("Cả những gì đã có biên nhận.", "Also what has its receipt already."),
    "help.resend.dry": ("Chỉ liệt kê, không gửi.", "Only list, send nothing."),
    "resend.why": ("Vì sao", "Why"),
    "resend.which": (
        "cần văn bản, --agency, --since hoặc --until",
        "a document, --agency, --since or --until is needed",
    ),
    "resend.dry": ("Sẽ gửi lại {found}.", "{found} would be sent again."),
    "resend.done": ("Tìm thấy {found}, gửi lại {sent}.", "Found {found}, sent {sent} again."),
    "help.queue": (
        "Những gì bị cách ly, chưa chuyển được hoặc broker để riêng (thư chết): xem, biết vì sao và quyết định.",
        "What was quarantined, could not be delivered or was put aside by the broker: look, see why, decide.",
    ),
    "help.queue.list": (
        "Liệt kê những gì chờ người vận hành, vì sao và phải làm gì.",
        "List what waits for an operator, why, and what to do.",
    ),
    "help.queue.show": ("Xem một mục và vì sao nó ở đây.", "Show one of them and why it is here."),
    "help.queue.reason": ("Lý do, ghi vào sổ cái.", "The reason, entered into the ledger."),
    "help.queue.retry": (
        "Thử lại ngay: một mục, hoặc mọi mục theo cơ quan, loại, mã lỗi, thời gian.",
        "Try again now: one of them, or all by agency, kind, code, time.",
    ),
    "help.queue.agency": ("Gửi từ hoặc đến cơ quan này.", "From or to this agency."),
    "help.queue.kind": (
        "delivery: chưa chuyển được; message: bị cách ly; dead_letter: thư chết ở broker.",
        "delivery: not delivered; message: quarantined; dead_letter: put aside by the broker.",
    ),
    "help.queue.code": ("Có mã lỗi này.", "With this code."),
    "help.queue.since": ("Từ lúc này (giờ Việt Nam).", "Since then (Viet Nam time)."),
    "help.queue.limit": ("Nhiều nhất bấy nhiêu mục, cũ nhất trước.", "At most so many, the oldest first."),
    "help.queue.dry": ("Chỉ cho biết những mục nào, không làm gì.", "Only tell which, do nothing."),
    "help.queue.yes": (
        "Không hỏi lại khi trả lại hoặc bỏ nhiều mục.",
        "Do not ask before many are returned or dropped.",
    ),
    "queue.which": (
        "cần mã mục, hoặc --agency, --kind, --code hay --since",
        "give an id, or one of --agency, --kind, --code and --since",
    ),
    "queue.unasked": (
        "sẽ làm với {count} mục cùng lúc; xem trước bằng --dry-run, rồi thêm --yes",
        "that would be {count} at once; look with --dry-run, then add --yes",
    ),
    "queue.sure.return": ("Trả lại {count} mục?", "Return {count} of them?"),
    "queue.sure.drop": ("Bỏ {count} mục khỏi danh sách?", "Take {count} of them off the list?"),
    "queue.no_letters": ("Chưa xem được thư chết: {why}", "The dead letters could not be looked at: {why}"),
    "queue.more_letters": (
        "Chỉ xem {count} thư chết cũ nhất; quyết định về chúng rồi xem tiếp.",
        "Only the {count} oldest dead letters were looked at; decide about these, then look again.",
    ),
    "queue.again": ("{id}: vẫn lỗi {code}, giữ nguyên.", "{id}: fails again, {code}; it stays."),
    "queue.totals": (
        "{found} mục: {done} đã làm, {failed} vẫn lỗi.",
        "{found}: {done} done, {failed} failed.",
    ),
    "help.queue.release": ("Cho đi tiếp như bình thường.", "Let it go on like any other."),
    "help.queue.return": ("Trả lại nơi gửi, có ký và nêu lý do.", "Return it to the sender, signed, with the reason."),
    "help.queue.drop": ("Bỏ khỏi danh sách, không báo ai.", "Off the list, nobody is told."),
    "queue.id": ("Mã mục", "Id"),
    "queue.way": ("Từ → đến", "From → to"),
    "queue.delivery": ("chưa chuyển được", "not delivered"),
    "queue.message": ("bị cách ly", "quarantined"),
    "queue.dead_letter": ("thư chết", "dead letter"),
    "queue.label.id": ("Mã mục", "Id"),
    "queue.label.what": ("Loại", "Kind"),
    "queue.label.agency": ("Cơ quan", "Agency"),
    "queue.label.sender": ("Bên gửi", "Sender"),
    "queue.label.document_id": ("DocumentId", "DocumentId"),
    "queue.label.axis_id": ("axis id", "axis id"),
    "queue.label.attempts": ("Số lần thử", "Attempts"),
    "queue.label.since": ("Từ lúc", "Since"),
    "queue.label.code": ("Mã lỗi", "Code"),
    "queue.label.queue": ("Hàng đợi", "Queue"),
    "queue.label.size": ("Số byte", "Bytes"),
    "queue.count": ("{count} mục.", "{count} in all."),
    "queue.retry": ("{id}: đang thử lại.", "{id}: being tried again."),
    "queue.release": ("{id}: đã cho đi tiếp.", "{id}: released."),
    "queue.return": ("{id}: đã trả lại nơi gửi.", "{id}: returned to the sender."),
    "queue.drop": ("{id}: đã bỏ khỏi danh sách.", "{id}: off the list."),
    "queue.next": (
        'Sau khi hết nguyên nhân: axis queue retry {which} --reason "…"; không cần nữa: axis queue drop {which} --reason "…"',
        'Once the cause is gone: axis queue retry {which} --reason "…"; not wanted: axis queue drop {which} --reason "…"',
    ),
    "queue.why.undelivered": (
        "Chưa chuyển được từ {sender} đến {agency} sau {attempts} lần thử; bên gửi đã được báo (D.2).",
        "Not delivered from {sender} to {agency} after {attempts} attempts; the sender was told (D.2).",
    ),
    "queue.why.undelivered.many": (
        "Chưa chuyển được đến nơi nhận; bên gửi đã được báo (D.2).",
        "Not delivered to the recipient; the sender was told (D.2).",
    ),
    "queue.why.undelivered.next": (
        'Khi nơi nhận hoạt động lại: axis queue retry {which} --reason "…"; nếu sẽ không chuyển được: axis queue return {which} '
        '--reason "…"',
        'Once the recipient works again: axis queue retry {which} --reason "…"; if it never will: axis queue return {which} '
        '--reason "…"',
    ),
    "queue.why.broke_us": (
        "Thông điệp của {agency} làm trục lỗi {attempts} lần nên bị cách ly; bên gửi đã được báo là bị từ chối (A.2).",
        "A message of {agency} broke the hub {attempts} times and was quarantined; its sender was told that it is refused (A.2).",
    ),
    "queue.why.broke_us.many": (
        "Thông điệp làm trục lỗi nhiều lần nên bị cách ly; bên gửi đã được báo là bị từ chối (A.2).",
        "A message that broke the hub several times was quarantined; its sender was told that it is refused (A.2).",
    ),
    "queue.why.broke_us.next": (
        'Sau khi cài bản đã sửa lỗi: axis queue retry {which} --reason "…"; không sửa được: axis queue return {which} '
        '--reason "…"',
        'Once a mended version is installed: axis queue retry {which} --reason "…"; otherwise: axis queue return {which} '
        '--reason "…"',
    ),
    "queue.why.other_publisher": (
        "{agency} đã gửi vào hàng đợi của cơ quan khác; không ai được trả lời.",
        "{agency} has published into another agency's queue; nobody was answered.",
    ),
    "queue.why.other_publisher.next": (
        'Hỏi {agency} vì sao, kiểm tra quyền (axis broker check), rồi: axis queue drop {which} --reason "…"',
        'Ask {agency} why, look at its rights (axis broker check), then: axis queue drop {which} --reason "…"',
    ),
    "queue.why.record_gap": (
        "Biên nhận của {agency} nói về nội dung mà hồ sơ của trục đã mất khi phục hồi.",
        "A receipt of {agency} is about something that the restored record has lost.",
    ),
    "queue.why.record_gap.next": (
        'Không cần làm gì khi các cơ quan còn gửi lại; hết hạn mà vẫn chờ: axis queue drop {which} --reason "…"',
        'Nothing while agencies still send again; if it waits when that is over: axis queue drop {which} --reason "…"',
    ),
    "queue.why.not_judged": (
        "Thông điệp của {agency} không xử lý được.",
        "A message of {agency} could not be dealt with.",
    ),
    "queue.why.put_aside": (
        "Nơi đọc hàng đợi {queue} đã không nhận thông điệp này; kiểm tra lại bây giờ thì thông điệp hợp lệ.",
        "Whoever reads the queue {queue} did not take this message; looked at now, it is good.",
    ),
    "queue.why.put_aside.next": (
        'Gửi lại: axis queue retry {which} --reason "…"; vẫn trở lại thì ở cơ quan đó: axis doctor',
        'Send it again: axis queue retry {which} --reason "…"; if it comes back, at that agency: axis doctor',
    ),
    "queue.why.given_too_often": (
        "Broker đã giao thông điệp của hàng đợi {queue} quá nhiều lần mà nơi đọc không xử lý xong: tiến trình ở đó chết giữa chừng.",
        "The broker has given this message of the queue {queue} too often: whoever reads it dies on the way.",
    ),
    "queue.why.given_too_often.next": (
        'Xem nhật ký và axis doctor ở nơi đọc, rồi gửi lại: axis queue retry {which} --reason "…"',
        'See the log and axis doctor where it is read, then send it again: axis queue retry {which} --reason "…"',
    ),
    "queue.why.unbelieved": (
        "Thông điệp của hàng đợi {queue} không xác thực được ({code}), nên nơi đọc đã không nhận.",
        "A message of the queue {queue} cannot be believed ({code}), so whoever reads it did not take it.",
    ),
    "queue.why.unbelieved.next": (
        'Gửi lại từ hồ sơ: axis reconcile; rồi bỏ bản hỏng này: axis queue drop {which} --reason "…"',
        'Have it sent again from the record: axis reconcile; then drop this one: axis queue drop {which} --reason "…"',
    ),
    "queue.why.damaged": (
        "Đĩa đã làm hỏng nội dung của thông điệp trong hàng đợi {queue}.",
        "The disk has damaged this message of the queue {queue}.",
    ),
    "queue.why.damaged.next": (
        'Kiểm tra đĩa (axis doctor); gửi lại từ hồ sơ: axis reconcile; rồi: axis queue drop {which} --reason "…"',
        "Look at the disk (axis doctor); have it sent again from the record: axis reconcile; then: axis queue drop {which} "
        '--reason "…"',
    ),
    "queue.why.foreign": (
        "Trong hàng đợi {queue} có một thông điệp không phải của trục.",
        "There was a message in the queue {queue} that is none of the axis.",
    ),
    "queue.why.foreign.next": (
        'Tìm xem chương trình nào của {sender} đã gửi (axis broker check), rồi: axis queue drop {which} --reason "…"',
        'Find out which program of {sender} sent it (axis broker check), then: axis queue drop {which} --reason "…"',
    ),
    "event.dead_letter.retry": ("người vận hành cho gửi lại thư chết", "an operator has a dead letter sent again"),
    "event.dead_letter.release": ("người vận hành cho thư chết đi tiếp", "a dead letter was released by an operator"),
    "event.dead_letter.drop": ("người vận hành bỏ thư chết", "a dead letter was dropped by an operator"),
    "help.send.at": (
        "Hỏa tốc hẹn giờ: không giao trước lúc này (giờ Việt Nam).",
        "Deliver at this hour, not before (Viet Nam time).",
    ),
    "help.send.within": (
        "Báo nơi gửi, có ký, nếu sau bấy nhiêu giờ vẫn chưa bàn giao.",
        "Tell the sender, signed, if it is not handed over within so many hours.",
    ),
    "help.agency.close": (
        "Cho một cơ quan ngừng hoạt động từ một thời điểm; văn bản đến được chuyển cho cơ quan kế thừa, nếu có.",
        "Close an agency from a moment on; its mail goes to its successor, if there is one.",
    ),
    "help.agency.follow": (
        "Chuyển cho nơi kế thừa những văn bản có thể đã đến cơ quan đã ngừng hoạt động, mà adapter của cơ quan ấy không "
        "còn để trả lời. Có thể cả hai nơi cùng nhận; điều đó được ghi vào hành trình.",
        "Have what may have arrived at a closed agency go to its successor, where no adapter is left to answer for it. "
        "Both may have it then; the trace says so.",
    ),
    "help.agency.follow.dry": ("Chỉ liệt kê.", "List it only."),
    "follow.one": ("{axis_id}: {from_} → {to}", "{axis_id}: {from_} → {to}"),
    "follow.done": (
        "{count} văn bản chuyển từ {code} cho {to}; nơi nào xác nhận trước là nơi giữ văn bản",
        "{count} deliveries go from {code} to {to}; who confirms first keeps the document",
    ),
    "follow.dry": (
        "{count} văn bản đang trên đường đến {code} sẽ chuyển cho {to}",
        "{count} deliveries on their way to {code} would go to {to}",
    ),
    "help.agency.successor": ("Cơ quan kế thừa.", "The agency that takes its mail."),
    "help.agency.from": ("Từ lúc này (giờ Việt Nam); mặc định: ngay.", "From then on (Viet Nam time); now by default."),
    "help.agency.alias": ("Thêm một mã khác (mã cũ) của cơ quan.", "Another (an old) code of the agency."),
    "change.close": ("ngừng hoạt động", "closed"),
    "change.alias": ("thêm mã", "alias added"),
    "board.since": ("Từ lúc", "Since"),
    "board.receipt": ("Biên nhận", "Receipt"),
    "board.overdue": ("Quá hạn", "Overdue"),
    "board.deadline": ("Hạn tới", "Next deadline"),
    "board.recipients": ("Nơi nhận", "Recipients"),
    "board.asked": ("chờ trả lời {what}", "{what} unanswered"),
    "board.certificate": (
        "Chứng nhận phát hành đã cấp: {digest}",
        "The certificate of distribution was given: {digest}",
    ),
    "standing.handed_over": ("đã nhận", "has it"),
    "standing.late": ("nhận muộn", "has it, late"),
    "standing.refused": ("từ chối", "refused"),
    "standing.recalled": ("đã thu hồi", "taken back"),
    "standing.failed": ("chưa chuyển được", "not delivered so far"),
    "standing.waiting": ("đang chờ", "waits"),
    "standing.overdue": ("quá hạn", "overdue"),
    "leg.handover": ("bàn giao", "hand-over"),
    "leg.reception": ("tiếp nhận", "reception"),
    "leg.processing": ("xử lý", "processing"),
    "leg.answer": ("trả lời", "answer"),
    "event.delivery.retry": ("người vận hành cho thử lại", "an operator has it tried again"),
    "event.delivery.release": ("người vận hành cho đi tiếp", "released by an operator"),
    "event.delivery.return": ("người vận hành trả lại nơi gửi", "returned to the sender by an operator"),
    "event.delivery.drop": ("người vận hành bỏ khỏi danh sách", "taken off the list by an operator"),
    "help.broker": ("Cài đặt và kiểm tra RabbitMQ.", "Set up and check RabbitMQ."),
    "help.broker.setup": (
        "Tạo ở broker mọi thứ còn thiếu: hàng đợi, người dùng, quyền của từng cơ quan; chạy lại bao nhiêu lần cũng được.",
        "Make at the broker whatever is missing: queues, users, each agency's rights. May be run again at any time.",
    ),
    "help.broker.reissue": (
        "Cấp lại chứng thư TLS cho trục, broker và các cơ quan, giữ nguyên khóa (chứng thư do bản cũ cấp bị Python 3.13 từ chối).",
        "New TLS certificates for hub, broker and agencies, for the keys they have (Python 3.13 refuses those of older versions).",
    ),
    "help.broker.new_keys": (
        "Khóa mới cho broker và cho kết nối của trục: khi khóa cũ có thể đã lộ.",
        "New keys for the broker and the hub's connection: where the old ones may be in other hands.",
    ),
    "broker.carry_key": (
        "Broker có khóa mới: chép cả {folder}/broker.key sang broker.",
        "The broker has a new key: copy {folder}/broker.key to it, too.",
    ),
    "broker.reissued": ("Đã cấp lại {count} chứng thư trong {folder}.", "{count} certificates reissued in {folder}."),
    "broker.carry": (
        "Chép broker.pem và ca.pem sang broker rồi nạp lại; gửi ca.pem và <mã>.pem cho từng cơ quan, đặt vào thư mục tls/ của họ. "
        "Không có khóa nào phải chuyển; chứng thư cũ vẫn dùng được trong lúc chuyển.",
        "Copy broker.pem and ca.pem to the broker and have it read them; send each agency ca.pem and its <code>.pem for its "
        "folder tls/. No key has to travel, and the old certificates go on working meanwhile.",
    ),
    "help.broker.close": (
        "Bỏ quyền gửi vào axis.in của mọi cơ quan, khi mọi adapter đã lên phiên bản mới.",
        "Take the right to publish into axis.in away from every agency, once all adapters are of the new version.",
    ),
    "help.broker.remake": (
        "Tạo lại các hàng đợi có tham số khác; thông điệp trong đó được giữ. Dừng mọi hub trước.",
        "Make queues with other arguments anew, and keep what is in them. Stop every hub first.",
    ),
    "broker.remade": ("Đã tạo lại {count} hàng đợi.", "{count} queues were made anew."),
    "broker.beside": (
        "{queue} đã đầy: {count} thông điệp còn nằm ở axis.remake.{queue}.",
        "{queue} is full: {count} messages still wait in axis.remake.{queue}.",
    ),
    "help.broker.check": (
        "So broker với danh bạ: cái gì sai, phải làm gì.",
        "Compare the broker with the registry: what is wrong and what to do.",
    ),
    "help.broker.passwords": (
        "Đặt mật khẩu cho mỗi người dùng, ghi URL đăng nhập vào DIR/<mã> (quyền 0600). Không có thì đăng nhập bằng chứng thư.",
        "Give each user a password and write its URL to DIR/<code> (0600). Without this they log in by certificate.",
    ),
    "help.broker.guest": ("Giữ người dùng guest.", "Keep the user guest."),
    "help.retention": (
        "Bỏ nội dung đã hết hạn lưu (bình thường trục tự làm mỗi ngày); với --dry-run chỉ nói sẽ bỏ gì.",
        "End the bytes whose time is over (by itself the axis does so every day); --dry-run: only tell what would go.",
    ),
    "help.retention.dry": ("Chỉ cho biết sẽ bỏ gì, không bỏ.", "Only tell what would end."),
    "help.retention.hold": (
        "Giữ nội dung của một văn bản, không bỏ khi hết hạn (khi có tranh chấp, kiểm tra).",
        "Keep the bytes of a document beyond their time (a dispute, an audit).",
    ),
    "help.retention.release": ("Thôi giữ nội dung của văn bản.", "Keep the bytes of a document no longer."),
    "help.retention.reason": ("Lý do, ghi vào sổ cái.", "Why; it goes into the record."),
    "retention.would": ("Sẽ bỏ", "Would end"),
    "retention.ended": ("Đã bỏ", "Ended"),
    "retention.kept": ("Còn giữ vì", "Kept because"),
    "retention.days": ("Số ngày giữ", "Days kept"),
    "retention.bytes": ("Dung lượng", "Bytes"),
    "retention.forever": ("luôn giữ", "for ever"),
    "retention.none": ("Không có gì hết hạn.", "Nothing has come to its end."),
    "retention.kind.parcels": ("nội dung văn bản ở trục", "parcels in the record"),
    "retention.kind.volumes": ("tập dữ liệu (PostgreSQL)", "volumes (PostgreSQL)"),
    "retention.kind.dead_letters": ("văn bản chưa chuyển được", "dead letters"),
    "retention.kind.quarantine": ("thông điệp cách ly", "quarantine"),
    "retention.kind.outgoing": ("nội dung đã gửi ở adapter", "sent, in the journals"),
    "retention.kind.incoming": ("nội dung đã nhận ở adapter", "received, in the journals"),
    "retention.kind.rows": ("dữ liệu cũ trong sổ của adapter", "old rows of the journals"),
    "retention.kind.sent/": ("tệp trong sent/", "files in sent/"),
    "retention.kind.receipts/": ("tệp trong receipts/", "files in receipts/"),
    "retention.kind.status/": ("tệp trong status/", "files in status/"),
    "retention.why.undelivered": ("chưa xong {count}", "{count} not settled"),
    "retention.why.waiting": ("chờ gửi {count}", "{count} waiting"),
    "retention.why.asked": ("chờ trả lời {count}", "{count} asked about"),
    "retention.why.disputed": ("biên nhận chưa rõ {count}", "{count} in doubt"),
    "retention.why.held": ("được giữ {count}", "{count} held"),
    "retention.why.recent": ("vừa xong {count}", "{count} settled lately"),
    "retention.held": ("{document_id}: nội dung được giữ lại.", "{document_id}: its bytes are kept."),
    "retention.gone": (
        "{document_id}: được giữ lại, nhưng nội dung đã không còn từ trước.",
        "{document_id}: held, but its bytes were gone before.",
    ),
    "retention.released": ("{document_id}: thôi giữ.", "{document_id}: held no longer."),
    "retention.unheld": ("{document_id}: trước đó không được giữ.", "{document_id}: it was not held."),
    "help.upgrade": (
        "Nâng lược đồ cơ sở dữ liệu của trục lên phiên bản hiện tại; trọn vẹn hoặc không đổi gì. Sao lưu trước.",
        "Bring this home's databases to this version's schema, wholly or not at all. Back up first.",
    ),
    "help.upgrade.check": ("Chỉ cho biết phiên bản.", "Only tell the version."),
    "help.backup": (
        "Sao lưu nhất quán khi trục đang chạy: hồ sơ, gói tin, khóa, thư mục của các cơ quan.",
        "A consistent backup of a running home: record, parcels, keys, the agencies' folders.",
    ),
    "help.backup.without_keys": ("Không sao lưu khóa bí mật.", "Leave private keys out."),
    "backup.running": ("Đang sao lưu", "Backing up"),
    "backup.done": (
        "Đã sao lưu vào {folder}: {files} tệp, {size} byte, {payloads} gói tin đã đối chiếu mã băm.",
        "Backed up into {folder}: {files} files, {size} bytes, {payloads} parcels compared with their digests.",
    ),
    "backup.keys": (
        "Bản sao lưu có khóa bí mật (chỉ chủ sở hữu đọc được, 0600): giữ như giữ khóa.",
        "The backup has private keys (0600, for its owner alone): keep it as you keep keys.",
    ),
    "backup.no_keys": (
        "Bản sao lưu không có khóa bí mật: khi phục hồi phải đặt lại các tệp khóa.",
        "The backup has no private keys: put their files back after a restore.",
    ),
    "backup.damaged": (
        "Có {count} gói tin đã hỏng từ trước trong thư mục dữ liệu này: {digests}",
        "{count} parcels were damaged in this home already: {digests}",
    ),
    "backup.apart": (
        "Máy này không có pg_dump nên bản sao lưu CHƯA có hồ sơ. Hãy chạy: pg_dump --format=custom … > record.dump, trước mỗi lần "
        "'axis backup'.",
        "There is no pg_dump on this machine, so the record is NOT in this backup. Run pg_dump --format=custom … > record.dump "
        "before each 'axis backup'.",
    ),
    "help.restore": (
        "Dựng lại thư mục dữ liệu từ bản sao lưu, vào thư mục trống; kiểm tra mọi thứ trước.",
        "Make a home from a backup, in an empty folder; everything is checked first.",
    ),
    "restore.running": ("Đang phục hồi", "Restoring"),
    "restore.done": (
        "Đã phục hồi {home} từ bản sao lưu lúc {time}: {files} tệp, mọi gói tin khớp mã băm.",
        "{home} is restored from the backup of {time}: {files} files, every parcel matches its digest.",
    ),
    "restore.record": (
        "Hồ sơ thiếu những gì xảy ra sau đó, nên trục chưa chạy. Tiếp theo: axis reconcile --restored --older-than 0 --home {home:sh}",
        "The record lacks what happened since, so the hub does not run yet. Next: axis reconcile --restored --older-than 0 "
        "--home {home:sh}",
    ),
    "restore.database": (
        "Trước đó, đưa hồ sơ vào một cơ sở dữ liệu trống: pg_restore --no-owner --dbname … {folder:sh}/record.dump; rồi axis upgrade "
        "--home {home:sh}",
        "Before that, put the record into an empty database: pg_restore --no-owner --dbname … {folder:sh}/record.dump; then axis "
        "upgrade --home {home:sh}",
    ),
    "restore.apart": (
        "Hồ sơ không nằm trong bản sao lưu này: phục hồi cơ sở dữ liệu từ bản pg_dump cùng lúc trước đã.",
        "The record is not in this backup: restore the database from the pg_dump of that time first.",
    ),
    "restore.agency": (
        "Tắt mọi bản sao khác của thư mục dữ liệu này rồi chạy adapter. Nếu nhật ký báo HOME_OLD: axis adapter restored MÃ --home {home:sh}",
        "Stop every other copy of this home, then start the adapter. If its log says HOME_OLD: axis adapter restored CODE "
        "--home {home:sh}",
    ),
    "upgrade.moving": ("Chuyển gói tin sang tệp riêng", "Moving parcels into segments"),
    "upgrade.moved": (
        "{database}: đã chuyển {count} gói tin ({size} byte) sang tệp riêng",
        "{database}: {count} parcels ({size} bytes) moved into segments",
    ),
    "upgrade.done": ("{database}: {before} → {after}", "{database}: {before} → {after}"),
    "upgrade.log_key": (
        "Đã tạo khóa của sổ cái (pki/log.key): từ nay các mục được đưa vào cây băm có điểm kiểm đã ký.",
        "The log's key was made (pki/log.key): from now on entries are put into a tree with signed checkpoints.",
    ),
    "upgrade.same": ("{database}: {after}, đã đúng phiên bản", "{database}: {after}, as it should be"),
    "help.reconcile": (
        "Đối chiếu hồ sơ với hàng đợi và biên nhận; gửi lại những gì chưa có biên nhận.",
        "Compare the record with queues and receipts; send again what has no receipt.",
    ),
    "help.reconcile.restored": (
        "Hồ sơ vừa được phục hồi từ bản sao lưu cũ: ghi nhận chỗ thiếu vào sổ cái và cho trục chạy tiếp.",
        "The record was restored from an old backup: enter the gap into the ledger and let the hub go on.",
    ),
    "reconcile.gap": (
        "Hồ sơ kết thúc ở {end}, trước đây đã ghi đến {written}. Danh bạ mới yêu cầu các cơ quan gửi lại những gì được tiếp nhận từ {since}.",
        "The record ends at {end}, it had been written up to {written}. A new registry asks every agency to send again what was accepted since {since}.",
    ),
    "help.reconcile.older": (
        "Chỉ gửi lại những gì đã chờ biên nhận lâu hơn số phút này.",
        "Send again only what has waited for its receipt for more minutes than this.",
    ),
    "help.reconcile.receipts": (
        "Gửi lại cho nơi gửi cả các biên nhận từ lúc này: khi hàng đợi của họ bị xóa, biên nhận trong đó đã mất.",
        "Give senders their receipts from this moment on once more: those in a queue that was deleted are lost.",
    ),
    "reconcile.receipts": (
        "Đang gửi lại {count} biên nhận cho nơi gửi.",
        "{count} receipts are given to senders once more.",
    ),
    "event.receipts.sent_again": (
        "người vận hành cho gửi lại các biên nhận",
        "an operator has receipts given once more",
    ),
    "help.reconcile.agency": ("Chỉ một cơ quan.", "One agency only."),
    "reconcile.running": ("Đối chiếu", "Reconciling"),
    "reconcile.done": (
        "{unanswered} văn bản gửi đi chưa có biên nhận, đã đưa vào gửi lại {resent}.",
        "{unanswered} deliveries have no receipt, {resent} of them are being sent again.",
    ),
    "column.waiting": ("Chờ trong hồ sơ", "In the record"),
    "column.queued": ("Trong hàng đợi", "In the queue"),
    "column.unanswered": ("Chưa biên nhận", "No receipt"),
    "column.resent": ("Gửi lại", "Sent again"),
    "column.receipts": ("Biên nhận gửi lại", "Receipts again"),
    "reconcile.gone": ("mất hàng đợi", "queue was gone"),
    "broker.none": (
        "Chưa cấu hình API quản trị của broker: đặt AXIS_MANAGEMENT_URL=http://admin:…@máy:15672.",
        "The broker's management API is not configured: set AXIS_MANAGEMENT_URL=http://admin:…@host:15672.",
    ),
    "broker.done": (
        "Broker đúng như danh bạ; đã sửa {count} chỗ.",
        "The broker is as the registry wants it; {count} things were changed.",
    ),
    "broker.good": ("Broker đúng như danh bạ.", "The broker is as the registry wants it."),
    "broker.bad": ("Còn {count} chỗ sai.", "{count} things are wrong."),
    "broker.changed": ("đã sửa", "changed"),
    "broker.barred": (
        "Broker: quyền theo danh bạ mới, đã cắt {count} kết nối ({seconds:.1f} giây).",
        "Broker: rights follow the new registry, {count} connections closed ({seconds:.1f} s).",
    ),
    "broker.unbarred": (
        "Danh bạ đã đổi, nhưng broker CHƯA: quyền và kết nối vẫn như cũ. Chạy lại lệnh này hoặc 'axis broker setup'.",
        "The registry is changed, but the broker is NOT: rights and connections are as before. Run this command again, or 'axis broker setup'.",
    ),
    "registry.same": ("{code}: vốn đã như vậy, không đổi gì.", "{code} is so already; nothing was changed."),
    "help.bench": (
        "Đo chi phí của một văn bản: CPU của mọi tiến trình, lệnh SQL, lần ghi đĩa, thời gian, bộ nhớ; mất hoặc trùng.",
        "What a document costs: CPU of every process, statements, flushes, time, memory; lost and doubled.",
    ),
    "help.bench.mode": (
        "embedded: một tiến trình, SQLite; served: hub và hai adapter, RabbitMQ và PostgreSQL.",
        "embedded: one process, SQLite; served: a hub and two adapters, RabbitMQ and PostgreSQL.",
    ),
    "help.bench.size": ("Cỡ của một gói: 5KB, 100KB, 5MB.", "Size of a packet: 5KB, 100KB, 5MB."),
    "help.bench.recipients": ("Số nơi nhận của mỗi văn bản.", "Recipients of each document."),
    "help.bench.agencies": (
        "Số cơ quan có adapter đang chạy; mặc định 95 (embedded), hoặc vừa đủ (served).",
        "Agencies with an adapter at work; 95 by default (embedded), or just as many as needed (served).",
    ),
    "help.bench.pace": (
        "Số văn bản mỗi giây; 0: thả vào cùng một lúc.",
        "Documents a second; 0: all at once.",
    ),
    "help.bench.peer": (
        "Đo cả pyas2lib với cùng nội dung (cài vào môi trường riêng).",
        "Measure pyas2lib on the same payload too (installed into an environment of its own).",
    ),
    "help.bench.fill": (
        "Trước đó ghi vào hồ sơ N văn bản ở mọi trạng thái.",
        "Fill the record with N documents in all states before.",
    ),
    "help.bench.against": (
        "Đo cả phiên bản này của kho mã, cùng cách, cùng lúc.",
        "Measure this commit of the repository too, the same way, in the same minutes.",
    ),
    "help.bench.broker": (
        "URL của RabbitMQ có sẵn (không dùng cho việc khác); mặc định chạy máy chủ riêng.",
        "URL of a RabbitMQ that nobody else uses; by default a private one is started.",
    ),
    "help.bench.database": ("URL của cơ sở dữ liệu PostgreSQL rỗng.", "URL of an empty PostgreSQL database."),
    "help.bench.scenario": (
        "Một phép đo đặc biệt thay cho phép đo thường: circular-receipt, history, workers, full, idle, flood, year, "
        "questions, dossiers, log.",
        "A special measurement instead of the ordinary one: circular-receipt, history, workers, full, idle, flood, "
        "year, questions, dossiers, log.",
    ),
    "help.bench.counts": (
        "Chỉ đo CPU và thời gian; không chạy lần thứ hai để đếm.",
        "Only CPU and time; no second run that counts.",
    ),
    "bench.revision": ("Đang dựng phiên bản {revision} trong môi trường riêng…", "Making revision {revision} ready…"),
    "bench.peer": ("Đang cài pyas2lib vào môi trường riêng…", "Installing pyas2lib into an environment of its own…"),
    "bench.run": ("Đang đo ({revision})…", "Measuring ({revision})…"),
    "bench.count": ("Đang đếm trong lần chạy thứ hai ({revision})…", "Counting in a second run ({revision})…"),
    "bench.fill": ("Đang ghi {count} văn bản vào hồ sơ…", "Filling the record with {count} documents…"),
    "bench.both": (
        "--broker và --database phải đi cùng nhau, với --mode served, không có --against",
        "--broker and --database go together, with --mode served, without --against",
    ),
    "bench.bad": (
        "KHÔNG ĐÚNG: mất {lost}, trùng {doubled}, biên nhận không kiểm được {unverified}.",
        "NOT RIGHT: lost {lost}, doubled {doubled}, receipts that do not verify {unverified}.",
    ),
    "help.demo": (
        "Chạy thử toàn bộ: 95 cơ quan, văn bản thật, từng cảnh một, rồi tổng kết.",
        "The whole thing on real packets: 95 agencies, live progress, scene by scene, a summary.",
    ),
    "ecabinet.told.asked": (
        "Văn phòng Chính phủ gửi phiếu {id} cho {members} thành viên, hạn {due_at}; dấu vết {digest}.\n"
        "{have}/{agencies} cơ quan đã nhận; {away} cơ quan đang mất kết nối.",
        "The Office of the Government sends ballot {id} to {members} members, until {due_at}; digest {digest}.\n"
        "{have} of {agencies} agencies have it; {away} are off line.",
    ),
    "ecabinet.told.voted": (
        "{there} phiếu đã về, đều được thành viên ký và niêm phong hai lớp. {remote} thành viên ở xa kết nối lại và trả lời;\n"
        "một người trả lời hai lần, một người ủy quyền, một phiếu bị giả mạo: {after} phiếu đã về.",
        "{there} votes have come, each signed by its member and sealed twice. {remote} remote members come on line and vote;\n"
        "one votes twice, one by a delegate, one vote is forged: {after} have come.",
    ),
    "ecabinet.told.sealed": (
        "Trước khi đóng, thử đọc {sealed} phiếu: Văn phòng Chính phủ đọc được {by_secretariat}, cơ quan ủy thác đọc được {by_trustee}.\n"
        "Đóng sớm bị từ chối: {refused}.",
        "Before the closing both try to read the {sealed} votes: the secretariat reads {by_secretariat}, the trustee {by_trustee}.\n"
        "To close it early is refused: {refused}.",
    ),
    "ecabinet.told.reminded": (
        "Chưa có ý kiến: {missing}; đã nhắc {reminded}. Một phiếu về sau hạn.",
        "No vote yet: {missing}; reminded: {reminded}. One vote comes after the end.",
    ),
    "ecabinet.told.closed": (
        "Cơ quan ủy thác {trustee} không mở trước khi đóng phiếu: {refused}. Đóng phiếu; sau 30 giờ nhắc {trustee} ({staff} lần);\n"
        "{trustee} mở lớp niêm phong của mình.",
        "The trustee {trustee} opens nothing that is not closed: {refused}. It is closed; after 30 hours {trustee} is reminded ({staff});\n"
        "{trustee} opens its envelopes.",
    ),
    "ecabinet.option.agree": ("đồng ý", "agree"),
    "ecabinet.option.comment": ("đồng ý và có ý kiến", "agree with comments"),
    "ecabinet.option.disagree": ("không đồng ý", "disagree"),
    "ecabinet.by.majority": ("quá bán", "majority"),
    "ecabinet.by.chair": ("theo ý kiến người chủ trì", "as the chair voted"),
    "ecabinet.by.none": ("không có đa số", "no majority"),
    "ecabinet.told.counted": (
        "Kết quả: {counted} phiếu được tính ({delegated} theo ủy quyền), {late} nộp muộn, {second} phiếu thứ hai, {invalid} không hợp lệ, {forged} giả mạo; {missing} thành viên chưa có ý kiến.\n"
        "Biểu quyết: {counts}; kết luận: {decided} ({by}).\n"
        "{agreeing}/{agencies} cơ quan tính lại từ các gói đã nhận và ra cùng kết quả; {altered_refused}/4 kết quả bị sửa (bớt, thêm, đổi, tính hai lần) bị phát hiện.",
        "The result: {counted} votes count ({delegated} by delegation), {late} late, {second} second, {invalid} invalid, {forged} forged; {missing} members without a vote.\n"
        "Counts: {counts}; decided: {decided} ({by}).\n"
        "{agreeing} of {agencies} agencies count again from their parcels and find the same; {altered_refused} of 4 altered results (dropped, added, changed, counted twice) are found out.",
    ),
    "ecabinet.try": (
        "Nên thử tiếp:\n  {axis} ballot status --as G22 --home {home}\n  {axis} ballot verify {id} --as G06 --home {home}\n"
        "  python docs/verify_ballot.py {home}/ecabinet --hub {home}/pki/hub.pem",
        "To try next:\n  {axis} ballot status --as G22 --home {home}\n  {axis} ballot verify {id} --as G06 --home {home}\n"
        "  python docs/verify_ballot.py {home}/ecabinet --hub {home}/pki/hub.pem",
    ),
    "help.demo.documents": ("Số văn bản gửi đi.", "How many documents to send."),
    "help.demo.home": (
        "Làm ở thư mục này và giữ lại, kèm những lệnh nên thử tiếp.",
        "Do it in this folder and keep it, with the commands to try next.",
    ),
    "help.run": (
        "Chạy trục và mọi adapter trong một tiến trình, không cần máy chủ nào.",
        "Run hub and all adapters in this process, without any server.",
    ),
    "help.run.idle": ("Dừng khi không còn việc đến hạn.", "Stop when nothing is due any more."),
    "help.hub": (
        "Chạy trục trên RabbitMQ và cơ sở dữ liệu đã cấu hình.",
        "Run the hub on the configured RabbitMQ and database.",
    ),
    "help.exit_codes": (
        "Mã thoát: 0 xong; 1 lỗi không mong đợi; 2 gõ sai lệnh; 3 bị từ chối hoặc\n"
        "không hợp lệ; 4 tạm thời chưa được, thử lại sau; 5 quản trị phải xử lý;\n"
        "6 bằng chứng hoặc nơi lưu trữ không khớp. axis check: 0-3 như Nagios.",
        "Exit codes: 0 done; 1 unexpected; 2 wrong usage; 3 refused or invalid;\n"
        "4 unavailable, try later; 5 the operator has to act; 6 evidence or storage\n"
        "disagrees. axis check: 0 to 3 as Nagios has them.",
    ),
    "help.adapter": ("Adapter của các cơ quan.", "The agencies' adapters."),
    "help.adapter.run": (
        "Chạy adapter của một hay nhiều cơ quan.",
        "Run the adapters of one or more agencies.",
    ),
    "help.adapter.list": ("Liệt kê các loại adapter đã cài.", "List the kinds of adapters installed."),
    "help.adapter.check": (
        "Kiểm tra adapter của từng cơ quan có làm việc được không.",
        "Check whether each agency's adapter can work.",
    ),
    "help.adapter.restored": (
        "Thư mục này được phục hồi từ bản cũ và từ nay là bản làm việc: trục gửi lại những gì nó có thể chưa biết. Trước đó hãy "
        "tắt mọi bản sao khác.",
        "This home was restored from an older copy and is the one that works from now on: the hub sends again what it may not "
        "know. Stop every other copy first.",
    ),
    "adapter.restored": (
        "{agency}: từ nay thư mục này làm việc; {count} mục chờ trục gửi lại. Hãy khởi động adapter.",
        "{agency}: this home works from now on; {count} things wait until the hub sends them again. Start the adapter.",
    ),
    "adapter.good": ("{agency}: {kind}, sẵn sàng.", "{agency}: {kind}, can work."),
    "adapter.bad": ("{agency}: {kind}, không làm việc được: {why}", "{agency}: {kind}, cannot work: {why}"),
    "help.sandbox": (
        "Chạy trục thử nghiệm với các cơ quan mô phỏng để phát triển hệ thống hoặc adapter.",
        "Run a test axis with simulated agencies, to develop a document system or an adapter.",
    ),
    "help.sandbox.agency": ("Cơ quan đang được phát triển.", "The agency under test."),
    "help.sandbox.kind": (
        "Cách kết nối: spool (VXP, HTTP) hoặc folder.",
        "How it is connected: spool (VXP, HTTP) or folder.",
    ),
    "help.sandbox.listen": ("Địa chỉ máy chủ HTTP.", "Where the HTTP server listens."),
    "help.sandbox.seconds": ("Dừng sau số giây này; 0: không tự dừng.", "Stop after so many seconds; 0: never."),
    "help.sandbox.home": ("Thư mục của trục thử nghiệm.", "The folder of the test axis."),
    "help.sandbox.ballot": (
        "Có thêm một phiếu lấy ý kiến e-Cabinet, hết hạn sau số giây này; 0: không có.",
        "Also an opinion ballot of e-Cabinet, which ends after so many seconds; 0: none.",
    ),
    "help.sandbox.report": (
        "Khi dừng, ghi báo cáo đã ký: hệ thống của cơ quan đã làm đúng những gì.",
        "At the end write a signed report: what the agency's system has done right.",
    ),
    "help.sandbox.keys": (
        "Thư mục dữ liệu có khóa để ký báo cáo; mặc định là của trục thử nghiệm.",
        "The home whose key signs the report; the sandbox's own where none is given.",
    ),
    "sandbox.served": (
        "Cơ quan {agency}: {url}\n  VXP: systemid {systemid}, secret {secret}\n  HTTP API: {url}/v1, token {token}\n"
        "  Dịch vụ công: {url}/dvcqg (Cổng là G22), username {systemid}, password {secret}\n"
        "Đây là môi trường thử nghiệm (sandbox); mỗi lần chạy cấp khóa mới.",
        "Agency {agency}: {url}\n  VXP: systemid {systemid}, secret {secret}\n  HTTP API: {url}/v1, token {token}\n"
        "  Public services: {url}/dvcqg (the portal is G22), username {systemid}, password {secret}\n"
        "A sandbox is for tests alone; each run gives a new secret and token.",
    ),
    "sandbox.folder": (
        "Cơ quan {agency}: thư mục {home}/agencies/{agency} (outbox, inbox, status, receipts).",
        "Agency {agency}: folders in {home}/agencies/{agency} (outbox, inbox, status, receipts).",
    ),
    "sandbox.peers": (
        "Hãy gửi đến H29 (trả lời 03-06, đồng ý), H26 (từ chối), H48 (im lặng). Các cơ quan khác sẽ gửi đến bạn:",
        "Send to H29 (answers 03-06, agrees), H26 (refuses), H48 (says nothing). Others will send to you:",
    ),
    "sandbox.dossier.4": ("báo hồ sơ đang xử lý", "says that the application is being processed"),
    "sandbox.dossier.9": ("báo hồ sơ đã xử lý xong", "says that the application was processed"),
    "sandbox.dossier.pending": ("báo đang chờ ngân hàng", "says that the payment is pending"),
    "sandbox.dossier.paid": ("báo đã thanh toán, kèm chứng từ", "says that it was paid, with the receipt"),
    "sandbox.dossier.rated": ("chuyển đánh giá của công dân", "passes on the citizen's rating"),
    "sandbox.ballot": (
        "Phiếu lấy ý kiến, hạn {due_at}: thành viên {person} của {agency} biểu quyết (khóa: {key}) qua /ecabinet/v1,\n"
        "  hoặc: axis ballot vote BALLOT --as {agency:sh} --by {person:sh} --choose 1=agree",
        "A ballot, open until {due_at}: member {person} of {agency} votes (key: {key}) over /ecabinet/v1,\n"
        "  or by axis ballot vote BALLOT --as {agency:sh} --by {person:sh} --choose 1=agree",
    ),
    "sandbox.ballot.asked": ("gửi phiếu lấy ý kiến", "sends an opinion ballot"),
    "sandbox.ballot.voted": ("biểu quyết, phiếu đã niêm phong", "votes; the vote is sealed"),
    "sandbox.ballot.reminded": ("nhắc thành viên chưa biểu quyết", "reminds members who have not voted"),
    "sandbox.ballot.closed": (
        "đóng phiếu, gửi các phiếu còn niêm phong cho cơ quan ủy thác",
        "closes the ballot: the sealed votes go to the trustee",
    ),
    "sandbox.ballot.opened": ("mở lớp niêm phong ngoài", "opens the outer seals"),
    "sandbox.ballot.counted": (
        "kiểm phiếu, gửi kết quả: hãy kiểm lại bằng axis ballot verify",
        "counts, and sends the result: count it again with axis ballot verify",
    ),
    "sandbox.document": ("gửi một văn bản mới", "sends a new document"),
    "sandbox.twice": (
        "gửi một văn bản, rồi gửi lại y hệt: bạn chỉ thấy một",
        "sends a document, then the same once more: you see one",
    ),
    "sandbox.again": ("… gửi lại", "… sends it again"),
    "sandbox.update": ("cập nhật văn bản 1: trả lời 15 hoặc 16", "updates document 1: answer 15 or 16"),
    "sandbox.recall": (
        "thu hồi: nếu chưa bàn giao, bạn không thấy gì; nếu đã thấy, trả lời 15 hoặc 16",
        "recalls it: not handed over yet, you see nothing; otherwise answer 15 or 16",
    ),
    "sandbox.clock": (
        "ký với đồng hồ sai một giờ: trục từ chối, bạn không thấy gì",
        "signs with a clock an hour off: refused, you see nothing",
    ),
    "sandbox.expired": (
        "ký bằng chứng thư hết hạn: bị từ chối, bạn không thấy gì",
        "signs with an expired certificate: refused, you see nothing",
    ),
    "sandbox.garbled": ("gửi XML hỏng: bị từ chối, bạn không thấy gì", "sends broken XML: refused, you see nothing"),
    "sandbox.resend": (
        "trục phát lại mọi thứ như thể xác nhận bị mất: bạn không thấy gì lần hai",
        "the axis delivers everything again as if acknowledgements were lost: you see nothing twice",
    ),
    "sandbox.huge": ("gửi một văn bản 20 MB", "sends a document of 20 MB"),
    "sandbox.status.02": ("trả lời 02, từ chối", "answers 02, refused"),
    "sandbox.status.03": ("trả lời 03, đã tiếp nhận", "answers 03, accepted"),
    "sandbox.status.04": ("trả lời 04, phân công xử lý", "answers 04, assigned"),
    "sandbox.status.05": ("trả lời 05, đang xử lý", "answers 05, in work"),
    "sandbox.status.06": ("trả lời 06, hoàn thành", "answers 06, finished"),
    "sandbox.status.15": ("trả lời 15, đồng ý", "answers 15, agrees"),
    "sandbox.status.16": ("trả lời 16, từ chối", "answers 16, declines"),
    "help.conformance": (
        "Kiểm thử một adapter theo hợp đồng: một loại có sẵn, hoặc package.module:Class.",
        "Test an adapter against the contract: a kind of ours, or package.module:Class.",
    ),
    "help.conformance.from": ("Cơ quan ký báo cáo (hoặc HUB).", "The agency that signs the report (or HUB)."),
    "help.conformance.out": ("Ghi báo cáo đã ký vào tệp này.", "Write the signed report to this file."),
    "conformance.yes": ("  đạt      {name}", "  passed   {name}"),
    "conformance.no": ("  KHÔNG    {name}", "  FAILED   {name}"),
    "conformance.total": ("Đạt {passed}/{all}.", "Passed {passed} of {all}."),
    "help.agency.conformance": (
        "Báo cáo kiểm thử adapter đã ký; phải đạt tất cả.",
        "A signed conformance report of its adapter; everything in it must have passed.",
    ),
    "help.adapter.token": (
        "Cấp một mã truy cập HTTP API cho cơ quan; chỉ hiện một lần.",
        "Give an agency a token for the HTTP API; it is shown once.",
    ),
    "adapter.token": (
        "Mã truy cập {id} của {agency}, chỉ hiện một lần: {token}",
        "{agency}'s token {id}, shown this once: {token}",
    ),
    "help.adapter.tokens": ("Các mã truy cập HTTP API đã cấp.", "The tokens for the HTTP API that were given."),
    "help.adapter.tokens.list": (
        "Liệt kê mã truy cập của một hay mọi cơ quan; không hiện chính mã đó.",
        "List the tokens of one agency or of all; not what they are.",
    ),
    "help.adapter.tokens.withdraw": (
        "Thu hồi một mã truy cập; máy chủ đang chạy không nhận mã đó nữa.",
        "Withdraw a token; a server that runs takes it no more.",
    ),
    "adapter.token.withdrawn": (
        "Đã thu hồi mã truy cập {id} của {agency}. Webhook đặt bằng mã đó vẫn còn; hãy xem và đặt lại nếu cần.",
        "{agency}'s token {id} was withdrawn. A webhook that was set with it stays; look at it, and set it anew if need be.",
    ),
    "help.adapter.systems": ("Các hệ thống nói giao thức VXP đã khai báo.", "The systems that speak VXP."),
    "help.adapter.systems.list": ("Liệt kê các hệ thống; không hiện khóa.", "List the systems, without their secrets."),
    "help.adapter.systems.withdraw": (
        "Thu hồi một hệ thống và khóa của nó; máy chủ đang chạy không nhận nó nữa.",
        "Withdraw a system and its secret; a server that runs takes it no more.",
    ),
    "adapter.system.withdrawn": (
        "Đã thu hồi hệ thống {system} của {agency}.",
        "System {system} of {agency} was withdrawn.",
    ),
    "column.id": ("Mã", "Id"),
    "column.agency": ("Cơ quan", "Agency"),
    "column.system": ("Hệ thống", "System"),
    "help.adapter.system": (
        "Cấp khóa cho hệ thống nói giao thức VXP: thay khóa nếu hệ thống đã có.",
        "Give a system that speaks VXP its secret; another one, if it is known already.",
    ),
    "help.adapter.system.agency": ("Mã cơ quan mà hệ thống đại diện.", "The code of the agency that it speaks for."),
    "help.adapter.system.secret": (
        "Đọc khóa đang dùng từ stdin thay vì tạo mới.",
        "Read the secret that is in use from stdin instead of making a new one.",
    ),
    "adapter.system": (
        "Hệ thống {system} của {agency}. Khóa, chỉ hiện một lần: {secret}",
        "System {system} of {agency}. Its secret, shown this once: {secret}",
    ),
    "adapter.system.kept": (
        "Hệ thống {system} của {agency} dùng khóa đã cho.",
        "System {system} of {agency} has the secret given.",
    ),
    # -- Ballots of the Government's members ------------------------------------------------------------------
    "help.member": (
        "Chứng thư cá nhân của thành viên và chứng thư niêm phong của cơ quan.",
        "Certificates of an agency's people, and those that things are sealed to it with.",
    ),
    "help.member.list": ("Liệt kê những người có chứng thư.", "List everybody who has a certificate."),
    "help.member.add": (
        "Cấp khóa và chứng thư cho một người (tv-01@G06) để tự ký.",
        "Give a person (tv-01@G06) a key and a certificate to sign for himself.",
    ),
    "help.member.name": ("Họ tên.", "Full name."),
    "help.member.revoke": ("Thu hồi chứng thư của một người.", "Revoke a person's certificates."),
    "help.member.seal": (
        "Cấp chứng thư để nơi khác niêm phong phiếu gửi cơ quan này.",
        "Give an agency a certificate that votes are sealed to it with.",
    ),
    "change.person": ("có chứng thư", "has a certificate"),
    "change.seal": ("có chứng thư niêm phong", "has a certificate to be sealed to"),
    "use.person": ("cá nhân ký", "a person's signing"),
    "use.encrypt": ("niêm phong", "sealing"),
    "column.person": ("Thành viên", "Member"),
    "column.verdict": ("Phán định", "Verdict"),
    "column.vote": ("Dấu vết phiếu", "Vote's digest"),
    "column.reason": ("Lý do", "Reason"),
    "help.ballot": ("Phiếu lấy ý kiến thành viên Chính phủ.", "Opinion ballots of the Government's members."),
    "help.ballot.as": ("Mã cơ quan thực hiện.", "The code of the agency that does this."),
    "help.ballot.open": (
        "Gửi phiếu lấy ý kiến (tệp JSON) tới các thành viên.",
        "Send a ballot (a JSON file) to its members.",
    ),
    "help.ballot.paper": (
        "Tài liệu kèm theo; dùng được nhiều lần.",
        "A paper that goes with it; may be given several times.",
    ),
    "help.ballot.vote": (
        "Ký và niêm phong phiếu của một thành viên rồi gửi.",
        "Sign and seal a member's vote, and send it.",
    ),
    "help.ballot.by": ("Người ký, ví dụ tv-01@G06.", "Who signs, such as tv-01@G06."),
    "help.ballot.choose": (
        "Trả lời, ví dụ 1=agree; mỗi câu hỏi một lần.",
        "The answer, such as 1=agree; once for each question.",
    ),
    "help.ballot.comment": ("Ý kiến, ví dụ 1='...'.", "A comment, such as 1='...'."),
    "help.ballot.act": ("Tệp ủy quyền của thành viên.", "The member's delegation, a file."),
    "help.ballot.delegate": (
        "Ký ủy quyền cho người khác trả lời một phiếu.",
        "Sign a delegation of one ballot to another person.",
    ),
    "help.ballot.to": ("Người được ủy quyền.", "Who may vote instead."),
    "help.ballot.output": ("Tệp kết quả.", "The file to write."),
    "help.ballot.close": (
        "Đóng phiếu khi hết hạn: liệt kê mọi phiếu còn niêm phong, gửi cơ quan ủy thác.",
        "Close the ballot after its end: name every vote, sealed as it is, and send them to the trustee.",
    ),
    "help.ballot.unseal": (
        "Cơ quan ủy thác mở lớp niêm phong của mình, chỉ sau khi phiếu được đóng.",
        "The trustee opens its envelopes, only of a ballot that is closed.",
    ),
    "help.ballot.result": ("Mở phiếu, tính và công bố kết quả.", "Open the votes, count, and publish the result."),
    "help.ballot.remind": (
        "Nhắc thành viên chưa trả lời và cơ quan chưa mở niêm phong.",
        "Remind members who have not answered, and a trustee that has not opened.",
    ),
    "help.ballot.status": ("Các phiếu lấy ý kiến đang ở đâu.", "Where ballots stand."),
    "help.ballot.verify": (
        "Tính lại kết quả chỉ từ các gói đã nhận (hoặc từ một thư mục), so với kết quả công bố.",
        "Count again from the parcels alone (or from a folder), and compare with what was published.",
    ),
    "help.ballot.keep": (
        "Ghi các gói vào thư mục này để tính lại bằng docs/verify_ballot.py.",
        "Write the parcels into this folder, to count again with docs/verify_ballot.py.",
    ),
    "ballot.digest": (
        "Phiếu lấy ý kiến {id}; dấu vết {digest}.",
        "Ballot {id}; digest {digest}.",
    ),
    "ballot.voted": (
        "Dấu vết phiếu: {digest}. Giữ lại để tìm phiếu của mình trong kết quả.",
        "The vote's digest: {digest}. Keep it, to find your vote in the result.",
    ),
    "ballot.delegated": ("Đã ủy quyền cho {delegate}: {file}.", "Delegated to {delegate}: {file}."),
    "ballot.nobody": ("Không phải nhắc ai.", "There is nobody to remind."),
    "ballot.none": ("Không có phiếu lấy ý kiến nào.", "There are no ballots."),
    "ballot.status": (
        "{id} ({ballot}): {stage}, hạn {due_at}; {votes} phiếu đã về, {members} thành viên; {reminders} lần nhắc. {subject}",
        "{id} ({ballot}): {stage}, until {due_at}; {votes} votes have come, {members} members; {reminders} reminders. {subject}",
    ),
    "ballot.stage.open": ("đang lấy ý kiến", "open"),
    "ballot.stage.overdue": ("hết hạn, chưa đóng", "over, not closed"),
    "ballot.stage.closed": ("chờ cơ quan ủy thác mở niêm phong", "closed, waits for its opening"),
    "ballot.stage.opened": ("đã mở niêm phong", "opened"),
    "ballot.stage.published": ("đã công bố kết quả", "its result is published"),
    "ballot.missing": ("Chưa có ý kiến: {persons}.", "No vote that counts: {persons}."),
    "ballot.delegate": ("{person} trả lời thay theo ủy quyền", "by delegation, {person}"),
    "ballot.result": ("Kết quả lấy ý kiến {id}: {subject}", "Result of ballot {id}: {subject}"),
    "ballot.settings": (
        "Cách tính: {rule}; khi số phiếu bằng nhau: {tie}; không trả lời: {silence}.",
        "Counted by: {rule}; a tie: {tie}; silence: {silence}.",
    ),
    "ballot.rule.majority_all": ("quá nửa tổng số thành viên", "more than half of all members"),
    "ballot.rule.majority_present": ("quá nửa số thành viên trả lời", "more than half of those who voted"),
    "ballot.tie.chair": ("theo ý kiến của người chủ trì", "as the chair voted"),
    "ballot.tie.none": ("không quyết định", "nothing is decided"),
    "ballot.silence.not_counted": ("không tính", "not counted"),
    "ballot.silence.agree": ("coi là đồng ý", "counts as agreeing"),
    "ballot.by.majority": (
        "Quyết định: {option} (quá nửa của {base}).",
        "Decided: {option} (more than half of {base}).",
    ),
    "ballot.by.chair": (
        "Quyết định: {option} (số phiếu bằng nhau, theo người chủ trì; {base}).",
        "Decided: {option} (a tie, as the chair voted; of {base}).",
    ),
    "ballot.by.none": (
        "Chưa quyết định{option}: không ý kiến nào quá nửa của {base}.",
        "Not decided{option}: nothing has more than half of {base}.",
    ),
    "ballot.verdict.counted": ("được tính", "counted"),
    "ballot.verdict.late": ("nộp muộn", "late"),
    "ballot.verdict.second": ("phiếu thứ hai", "second"),
    "ballot.verdict.invalid": ("không hợp lệ", "invalid"),
    "ballot.verdict.forged": ("giả mạo", "forged"),
    "ballot.follows": (
        "Đã tính lại từ {votes} phiếu: kết quả công bố đúng.",
        "Counted again from {votes} votes: the published result follows from them.",
    ),
    "help.send": (
        "Kiểm tra, chuyển đổi, ký và gửi các gói edXML.",
        "Check, convert, sign and submit edXML packets.",
    ),
    "help.send.from": ("Mã cơ quan gửi.", "The sending agency's code."),
    "help.send.to": (
        "Mã nơi nhận, thay cho nơi nhận trong gói; dùng được nhiều lần.",
        "Recipient's code instead of the packet's; may be repeated.",
    ),
    "help.send.dry": ("Chỉ kiểm tra, không gửi.", "Only check, send nothing."),
    "preflight.parcel": (
        "Gói tin {size} byte (tối đa {limit}); chứng thư ký còn hạn đến {until}.",
        "A parcel of {size} bytes (at most {limit}); the signing certificate is valid until {until}.",
    ),
    "preflight.to": ("Nơi nhận", "Recipient"),
    "preflight.agency": ("Đi đến", "Goes to"),
    "preflight.standing": ("Tình trạng", "Standing"),
    "preflight.due": ("Bàn giao trước", "To be handed over by"),
    "preflight.active": ("hoạt động", "active"),
    "preflight.suspended": ("tạm ngừng: văn bản đến sẽ chờ", "suspended: it will wait"),
    "preflight.closed": (
        "ngừng hoạt động, không có nơi kế thừa: sẽ không gửi được",
        "closed without a successor: it will fail",
    ),
    "help.send.wait": (
        "Chờ trả lời tối đa bao nhiêu giây khi trục đang chạy.",
        "Seconds to wait for the answer of a running home.",
    ),
    "help.trace": (
        "Văn bản đang ở đâu và vì sao: theo mã trục, DocumentId, số ký hiệu, mã băm hoặc một phần.",
        "Where a document is and why: by axis id, DocumentId, number/notation, digest or a part of one.",
    ),
    "help.verify": ("Kiểm tra gói đã ký và biên nhận đã ký.", "Verify signed parcels and receipts."),
    "help.verify.trust": (
        "Chỉ tin chứng thư CA này (PEM), không cần thư mục dữ liệu.",
        "Trust this CA certificate (PEM) alone, no home needed.",
    ),
    "help.verify.at": ("Kiểm tra như vào thời điểm này (ISO 8601).", "Verify as of this moment (ISO 8601)."),
    "help.evidence": (
        "Lập hồ sơ chứng cứ của một văn bản: bản gốc, mọi biên nhận, chứng minh trong sổ cái; tòa án tự kiểm tra được.",
        "Evidence of one document: original, all receipts, proofs from the log; a court checks it by itself.",
    ),
    "help.evidence.output": ("Ghi gói chứng cứ vào tệp này (.asice).", "Write the evidence to this file (.asice)."),
    "help.evidence.as": (
        "Cơ quan ký gói, nếu thư mục này có nhiều.",
        "Which agency signs it, where a home has several.",
    ),
    "help.verify.strict": (
        "Đòi chứng minh trong sổ cái cho mọi biên nhận của trục.",
        "Each receipt of the hub must be proved to stand in the log.",
    ),
    "help.verify.log_key": (
        "Tệp có khóa công khai của sổ cái, như axis audit head in ra.",
        "A file with the log's public key, as axis audit head prints it.",
    ),
    "help.verify.tsa": (
        "Tệp có chứng thư của bên cấp dấu thời gian (PEM): chỉ tin dấu của họ.",
        "A file with the certificates of the time-stamp authority (PEM): its time-stamps alone are believed.",
    ),
    "evidence.written": (
        "Đã lập {path}: {parts} phần, {receipts} biên nhận. Mã băm: {digest}",
        "{path} is made: {parts} parts, {receipts} receipts. Digest: {digest}",
    ),
    "evidence.how": (
        "Kiểm tra: axis verify {path:sh}; không cần phần mềm này: unzip -p {path:sh} attachments/{manual}",
        "To check it: axis verify {path:sh}; without this program: unzip -p {path:sh} attachments/{manual}",
    ),
    "evidence.no_reader": (
        "Chưa cài phần [evidence] (rfc3161-client): không đọc được dấu thời gian.",
        "The extra [evidence] (rfc3161-client) is not installed: time-stamps cannot be read.",
    ),
    "evidence.exists": ("{path} đã có; chọn tệp khác.", "{path} is there; choose another file."),
    "evidence.whose": (
        "Thư mục này có nhiều cơ quan: thêm --as {codes}.",
        "This home has several agencies: add --as {codes}.",
    ),
    "evidence.no_key": (
        "Cơ quan {code} không có khóa trong thư mục này.",
        "Agency {code} has no key in this home.",
    ),
    "evidence.PASSED": ("ĐÚNG", "GOOD"),
    "evidence.FAILED": ("SAI", "WRONG"),
    "evidence.MISSING": ("KHÔNG CÓ", "NOT THERE"),
    "evidence.unchecked": ("KHÔNG XÉT", "NOT LOOKED AT"),
    "evidence.good": (
        "{file}: HỢP LỆ, chứng cứ do {signer} lập lúc {time}.",
        "{file}: PASSED, evidence made by {signer} at {time}.",
    ),
    "evidence.bad": (
        "{file}: KHÔNG HỢP LỆ, {count} bước sai.",
        "{file}: FAILED, {count} steps are wrong.",
    ),
    "evidence.name.container": ("Gói chứng cứ", "The bundle"),
    "evidence.name.registry": ("Danh bạ", "Registry"),
    "evidence.name.maker": ("Người lập", "Its maker"),
    "evidence.name.acceptance": ("Trục tiếp nhận (A.1)", "Accepted by the hub (A.1)"),
    "evidence.name.then": ("Danh bạ lúc tiếp nhận", "Registry as of then"),
    "evidence.name.document": ("Văn bản gốc", "The original"),
    "evidence.name.log": ("Khóa của sổ cái", "The log's key"),
    "evidence.name.checkpoint": ("Điểm kiểm của sổ cái", "The log's checkpoint"),
    "evidence.name.proof": ("Mục trong sổ cái", "Entry in the log"),
    "evidence.name.receipt": ("Biên nhận", "Receipt"),
    "evidence.name.logged": ("Biên nhận có trong sổ cái", "Receipt stands in the log"),
    "evidence.name.witnessed": ("Bên chứng kiến", "Witnesses"),
    "evidence.name.timestamp": ("Dấu thời gian", "Time-stamp"),
    "evidence.name.renewal": ("Dấu thời gian gia hạn", "Time-stamp renewed"),
    "evidence.name.page": ("Tờ viết cho người đọc", "What is written for people"),
    "evidence.page.missing": (
        "lời do {maker} viết: không bước nào ở đây dựa vào đó, cũng không kiểm tra",
        "the words of {maker}: nothing here rests on them, and nothing here has checked them",
    ),
    "evidence.container": ("không byte nào bị đổi, mã băm {digest}", "no byte was changed, digest {digest}"),
    "evidence.registry": ("bản {version}, do trục ký", "version {version}, signed by the hub"),
    "evidence.maker": ("{maker} ký lúc {time}", "signed by {maker} at {time}"),
    "evidence.acceptance": ("trục nhận của {sender} lúc {time}", "the hub accepted it from {sender} at {time}"),
    "evidence.then": ("bản {version} có trong gói", "version {version} is in the bundle"),
    "evidence.then.missing": (
        "bản {version} không có trong gói; xét theo bản mới hơn, có ghi mọi thu hồi",
        "version {version} is not in the bundle; the newer one is asked, which has all revocations",
    ),
    "evidence.document": (
        "{signer} ký lúc {time}; nội dung {digest}",
        "signed by {signer} at {time}; content {digest}",
    ),
    "evidence.document.missing": (
        "nội dung không còn được lưu; A.1 có mã băm của nó",
        "its bytes are not kept any more; A.1 has their digest",
    ),
    "evidence.document.ended": (
        "nội dung hết hạn lưu lúc {ended}, sổ cái có ghi; A.1 có mã băm của nó",
        "its bytes ended by retention at {ended}, as the log says; A.1 has their digest",
    ),
    "evidence.log.known": ("đúng là khóa đã biết ở đây: {vkey}", "it is the one that is known here: {vkey}"),
    "evidence.log.registry": ("đúng là khóa ghi trong danh bạ: {vkey}", "it is the one that the registry has: {vkey}"),
    "evidence.log.maker": (
        "{vkey}; mới chỉ theo lời {maker}, hãy so với khóa đã công bố",
        "{vkey}; on the word of {maker} alone, compare it with the published one",
    ),
    "evidence.log.missing": ("gói không có chứng minh từ sổ cái", "the bundle has nothing from the log"),
    "evidence.checkpoint": ("{size} mục, gốc {root}", "{size} entries, root {root}"),
    "evidence.checkpoint.missing": ("gói không có điểm kiểm", "there is no checkpoint in the bundle"),
    "evidence.proof": (
        "mục {position} trên {size}: {event}, {actor}, {time}",
        "entry {position} of {size}: {event}, {actor}, {time}",
    ),
    "evidence.proof.missing": (
        "mục {position}: dựa vào một điểm kiểm khác mà chưa đủ bên chứng kiến ký; ở đây không chứng minh được gì",
        "entry {position}: rests on another checkpoint, which no quorum of witnesses has cosigned; proves nothing here",
    ),
    "evidence.receipt.self": (
        "{event} do {issuer} ký, nói về {recipient}, {time}",
        "{event} by {issuer} about {recipient}, {time}",
    ),
    "evidence.receipt.log": (
        "{event} do {issuer} ký, nói về {recipient}, {time}; trục nhận lúc {as_of}, sổ cái có ghi",
        "{event} by {issuer} about {recipient}, {time}; accepted by the hub at {as_of}, as the log says",
    ),
    "evidence.logged": ("đủ {statements} mục", "all its {statements} entries"),
    "evidence.logged.missing": ("thiếu {left} trên {statements} mục", "{left} of {statements} entries are missing"),
    "evidence.witnessed": (
        "đủ chữ ký: {by}; {others} trong số đó ký thêm bằng khóa ML-DSA-44",
        "cosigned by enough of them: {by}; {others} of them with an ML-DSA-44 key as well",
    ),
    "evidence.witnessed.missing": (
        "chỉ có chữ ký của chính sổ cái, không có bên chứng kiến",
        "signed by the log alone, no witnesses",
    ),
    "evidence.timestamp.known": (
        "điểm kiểm đã có lúc {time}, theo {by}, bên được tin ở đây",
        "the checkpoint was there at {time}, says {by}, who is believed here",
    ),
    "evidence.timestamp.maker": (
        "điểm kiểm đã có lúc {time}, theo {by}; chứng thư của bên này do {maker} đưa vào gói, hãy so với bản đã biết",
        "the checkpoint was there at {time}, says {by}; that this is a time-stamp authority is on the word of {maker}: "
        "compare its certificate with the one you know",
    ),
    "evidence.renewal.known": (
        "dấu thời gian trên đã có lúc {time}, theo {by}, bên được tin ở đây",
        "that time-stamp was there at {time}, says {by}, who is believed here",
    ),
    "evidence.renewal.maker": (
        "dấu thời gian trên đã có lúc {time}, theo {by}, mà chứng thư do {maker} đưa vào gói",
        "that time-stamp was there at {time}, says {by}, whose certificate {maker} has put into the bundle",
    ),
    "evidence.renewal.missing": (
        "không đọc được dấu thời gian ở đây, hoặc điểm kiểm của nó chưa đủ bên chứng kiến",
        "time-stamps cannot be read here, or no quorum has cosigned its checkpoint",
    ),
    "evidence.timestamp.missing": ("không có dấu thời gian", "there is no time-stamp"),
    "evidence.page.title": ("Chứng cứ về văn bản {document}", "Evidence of document {document}"),
    "evidence.page.made": (
        "Do {maker} lập lúc {time}, hệ thống {installation}.",
        "Made by {maker} at {time}, installation {installation}.",
    ),
    "evidence.page.what": ("Văn bản", "The document"),
    "evidence.page.sender": ("Bên gửi", "Sender"),
    "evidence.page.number": ("Mã văn bản", "DocumentId"),
    "evidence.page.axis_id": ("Mã trục", "Axis id"),
    "evidence.page.digest": ("Mã băm nội dung (SHA-256)", "Digest of the content (SHA-256)"),
    "evidence.page.steps": ("Kết quả từng bước khi lập", "What was found, step by step, when it was made"),
    "evidence.page.step": ("Bước", "Step"),
    "evidence.page.verdict": ("Kết quả", "Verdict"),
    "evidence.page.file": ("Tệp", "File"),
    "evidence.page.said": ("Nội dung", "What it says"),
    "evidence.page.proves": ("Mỗi chữ ký chứng minh điều gì", "What each signature proves, and what it does not"),
    "evidence.page.proves.sender": (
        "Chữ ký của bên gửi: cơ quan đó đã ký đúng nội dung này. Không chứng minh ai trong cơ quan đã quyết định, cũng "
        "không chứng minh lúc ký: giờ ký là do bên ký ghi.",
        "The sender's: that agency has signed just this content. Not who in the agency decided so, and not when: the "
        "time of signing is what its signer wrote.",
    ),
    "evidence.page.proves.hub": (
        "Biên nhận của trục (A, D, S, T): trục xác nhận đã nhận, đã chuyển, hoặc không chuyển được. Không chứng minh "
        "bên nhận đã đọc.",
        "The hub's receipts (A, D, S, T): the hub says that it accepted, passed on, or could not pass on. Not that "
        "anybody has read it.",
    ),
    "evidence.page.proves.recipient": (
        "Biên nhận của bên nhận (E.1, E.2): hệ thống của cơ quan đó đã nhận được, hoặc từ chối. Không chứng minh người "
        "có thẩm quyền đã xem hay đồng ý.",
        "A recipient's receipts (E.1, E.2): that agency's system has it, or has refused it. Not that whoever decides "
        "there has seen it or agrees.",
    ),
    "evidence.page.proves.log": (
        "Sổ cái: mục này có trong một lịch sử chỉ ghi thêm, không sửa lén được khi có bên chứng kiến hoặc bản sao. "
        "Không chứng minh nội dung của mục là thật, chỉ chứng minh trục đã ghi như vậy, trước điểm kiểm này.",
        "The log: the entry stands in a history that only grows, and cannot be changed in secret where there are "
        "witnesses or mirrors. Not that what it says is true: that the hub has said so, before this checkpoint.",
    ),
    "evidence.page.proves.timestamp": (
        "Dấu thời gian: điểm kiểm, và mọi mục trước nó, đã có vào lúc đó, theo bên cấp dấu thời gian. Bên đó là ai thì so "
        "chứng thư của họ (tsa.pem) với bản lấy từ chính họ.",
        "The time-stamp: the checkpoint, and all entries before it, were there at that time, by the authority's word. "
        "Whether it is that authority, its certificate (tsa.pem) tells, compared with one from itself.",
    ),
    "evidence.page.proves.page": (
        "Trang này chỉ để đọc: chỉ các tệp đã ký là bằng chứng. Cách kiểm tra ở VERIFY.txt.",
        "This page is for reading: the signed files are the evidence. VERIFY.txt says how they are checked.",
    ),
    "help.packet": ("Gói tin edXML.", "edXML packets."),
    "help.packet.show": ("Xem nội dung gói tin.", "What a packet says."),
    "help.packet.check": (
        "Kiểm tra lỗi gói tin: mọi lỗi với mã, mức, vị trí.",
        "What is wrong with a packet: each finding with code, severity, path.",
    ),
    "help.type": (
        "Loại nghiệp vụ: bản khai và lược đồ mà văn bản có ApplicationType phải theo.",
        "Document types: the manifest and schema that a document with an ApplicationType has to meet.",
    ),
    "help.type.list": ("Các loại nghiệp vụ đang dùng.", "The document types in use."),
    "help.type.shipped": ("Các loại đi kèm chương trình.", "Those that come with the program."),
    "help.type.show": ("Chi tiết một loại nghiệp vụ.", "One document type."),
    "help.type.version": ("Phiên bản này; mặc định: mới nhất.", "This version; the newest by default."),
    "help.type.check": (
        "Kiểm tra thư mục của một loại nghiệp vụ: mọi lỗi của bản khai, lược đồ và ví dụ.",
        "Check the folder of a document type: everything that is wrong with manifest, schema and examples.",
    ),
    "help.type.add": (
        "Thêm loại nghiệp vụ từ thư mục (hoặc tên một loại đi kèm), ký và phát cho mọi cơ quan cùng danh bạ mới.",
        "Add a document type from its folder (or by the name of one that comes with the program): signed, and sent to "
        "every agency with a new registry.",
    ),
    "help.type.retire": (
        "Ngừng dùng một phiên bản: từ nay không xét theo nó; văn bản đã nhận không đổi.",
        "Use a version no more: nothing is judged by it from now on; what was accepted stays so.",
    ),
    "type.none": (
        "Chưa có loại nghiệp vụ nào; thêm: axis type add THƯ-MỤC",
        "No document types; add one: axis type add FOLDER",
    ),
    "type.good": (
        "{name} phiên bản {version}: tốt ({examples} ví dụ).",
        "{name} version {version}: good ({examples} examples).",
    ),
    "type.bad": ("{folder}: {errors} lỗi.", "{folder}: {errors} errors."),
    "type.added": (
        "Danh bạ phiên bản {registry}: thêm {name} phiên bản {version}.",
        "Registry version {registry}: {name} version {version} added.",
    ),
    "type.retired": (
        "Danh bạ phiên bản {registry}: ngừng dùng {name} phiên bản {version}.",
        "Registry version {registry}: {name} version {version} is used no more.",
    ),
    "type.same": (
        "{name} phiên bản {version}: vốn đã như vậy, không đổi gì.",
        "{name} version {version} is so already; nothing was changed.",
    ),
    "type.plain": ("(văn bản thường)", "(plain documents)"),
    "column.version": ("Phiên bản", "Version"),
    "column.title": ("Tên", "Title"),
    "column.attachment": ("Tệp được xét", "Judged attachment"),
    "column.registry": ("Từ danh bạ", "Since registry"),
    "help.agency": ("Danh bạ các cơ quan.", "The registry of agencies."),
    "help.agency.list": (
        "Liệt kê các cơ quan: tất cả, hoặc theo chữ trong tên (không cần dấu), hoặc chứng thư sắp hết hạn.",
        "List the agencies: all, by words of their names (no accents needed), or those whose certificates end soon.",
    ),
    "help.agency.expiring": (
        "Chỉ cơ quan có chứng thư hết hạn trong số ngày này (30d), sớm nhất trước.",
        "Only those whose certificates end within so many days (30d), the first to end first.",
    ),
    "agency.days": ("'{got}' không phải số ngày; ví dụ 30d", "'{got}' is no number of days; for example 30d"),
    "agency.none": ("Không có cơ quan nào.", "There is none."),
    "agency.near": ("«{got}»: có phải {names}?", "'{got}': did you mean {names}?"),
    "column.ends_at": ("Hết hạn", "Ends"),
    "column.days_left": ("Còn (ngày)", "Days left"),
    "help.agency.show": ("Chi tiết một cơ quan và chứng thư.", "One agency with its certificates."),
    "help.agency.add": (
        "Thêm một cơ quan, cấp khóa và chứng thư thử nghiệm.",
        "Add an agency, with a key and a certificate of the test CA.",
    ),
    "help.agency.export": (
        "Tạo thư mục dữ liệu riêng cho cơ quan: khóa, chứng thư CA và trục, danh bạ, cấu hình.",
        "Make an agency's own home: its key, CA and hub certificates, registry, settings.",
    ),
    "help.agency.each": (
        "Mỗi cơ quan một thư mục riêng trong --to; không nêu mã nào: mọi cơ quan.",
        "A folder for each agency below --to; without any code: for all agencies.",
    ),
    "help.agency.suspend": (
        "Tạm ngừng một cơ quan: văn bản gửi đến sẽ chờ.",
        "Suspend an agency: its mail waits.",
    ),
    "help.agency.resume": ("Cho một cơ quan hoạt động lại.", "Resume an agency."),
    "help.agency.rotate": (
        "Cấp khóa và chứng thư mới; chứng thư cũ vẫn kiểm tra được.",
        "New key and certificate; what the old one signed stays verifiable.",
    ),
    "help.agency.to": ("Thư mục dữ liệu mới.", "Folder of the new home."),
    "help.agency.revoke": ("Thu hồi các chứng thư cũ ngay.", "Revoke the old certificates now."),
    "help.agency.reason": ("Lý do, ghi vào sổ cái.", "Why; goes into the ledger."),
    "example": ("Ví dụ", "Example"),
    # -- results ---------------------------------------------------------------------------------------------
    "init.done": (
        "Đã tạo {home}: {agencies} cơ quan, danh bạ phiên bản {version}.",
        "Made {home}: {agencies} agencies, registry version {version}.",
    ),
    "init.next": (
        "Tiếp theo: chép một gói .edxml vào {home}/agencies/<MÃ>/outbox/ rồi chạy «axis run --home {home:sh} --until-idle».",
        "Next: put an .edxml packet into {home}/agencies/<CODE>/outbox/ and run 'axis run --home {home:sh} --until-idle'.",
    ),
    "init.keys": ("Tạo khóa và chứng thư", "Making keys and certificates"),
    "run.idle": ("Không còn việc nào đến hạn.", "Nothing is due."),
    "run.waiting": ("Việc chờ tiếp theo đến hạn lúc {time}.", "The next thing that waits is due at {time}."),
    "run.away": ("{agency} chưa làm việc được: {why}", "{agency} cannot work now: {why}"),
    "run.suspended": (
        "{agency} đang tạm ngừng: {count} văn bản chờ ở trung tâm đến khi «axis agency resume {agency:sh} --home {home:sh}».",
        "{agency} is suspended; documents that wait at the hub: {count}, until 'axis agency resume {agency:sh} --home {home:sh}'.",
    ),
    "run.started": ("Đang chạy {what}; dừng bằng Ctrl+C.", "Running {what}; stop with Ctrl+C."),
    "run.monitored": (
        "Giám sát ở {listen}: /metrics, /healthz, /readyz.",
        "Monitored at {listen}: /metrics, /healthz, /readyz.",
    ),
    "run.listening": ("Máy chủ cho hệ thống của cơ quan: {listen}.", "Serving the agencies' systems at {listen}."),
    "run.stopped": ("Đã dừng.", "Stopped."),
    "run.counts": (
        "Văn bản {documents}, lượt gửi {deliveries}, đã bàn giao {handed_over}, biên nhận {receipts}.",
        "Documents {documents}, deliveries {deliveries}, handed over {handed_over}, receipts {receipts}.",
    ),
    "send.good": ("{file}: hợp lệ, gửi đến {to}.", "{file}: valid, goes to {to}."),
    "send.accepted": (
        "{file}: trục đã nhận, mã {axis_id}.",
        "{file}: accepted by the hub, axis id {axis_id}.",
    ),
    "send.repeats": (
        "  Đã gửi từ lúc {at}: trục trả lời như lần đó, lần này không có gì mới được chuyển đi.",
        "  It was sent at {at} before: the hub answers as it did then, and nothing new has gone out.",
    ),
    "send.repeats.recall": (
        "  Đã yêu cầu thu hồi từ lúc {at}: các nơi nhận không được hỏi lại, lý do nêu lần này không được chuyển đi.",
        "  It was asked back at {at} before: nobody is asked again, and the reason given this time goes nowhere.",
    ),
    "send.pending": ("{file}: chưa có trả lời; việc gửi sẽ tiếp tục.", "{file}: no answer yet; sending goes on."),
    "send.refused": ("{file}: bị từ chối.", "{file}: refused."),
    "receipt.A.1": ("trục đã tiếp nhận", "accepted by the hub"),
    "receipt.A.2": ("trục từ chối", "refused by the hub"),
    "receipt.D.1": ("chờ ở hàng đợi nơi nhận", "waits in the recipient's queue"),
    "receipt.D.2": ("chưa chuyển được", "not delivered so far"),
    "receipt.E.1": ("đã bàn giao cho nơi nhận", "handed over to the recipient"),
    "receipt.E.2": ("nơi nhận từ chối", "refused by the recipient"),
    "receipt.W.1": ("đã thu hồi, nơi nhận chưa thấy", "withdrawn, never seen"),
    "receipt.W.2": ("thu hồi quá muộn", "too late to be withdrawn"),
    "receipt.T.1": ("sắp đến hạn", "a deadline is near"),
    "receipt.T.2": ("đã quá hạn", "a deadline has passed"),
    "receipt.S.1": ("chứng nhận phát hành", "certificate of distribution"),
    "receipt.R.1": ("trục đã nhận biên nhận", "the hub has accepted a receipt"),
    "verify.held": ("đạt", "passed"),
    "verify.version": ("phiên bản {version}", "version {version}"),
    "parcel.document": ("văn bản", "document"),
    "parcel.receipt": ("biên nhận", "receipt"),
    "parcel.registry": ("danh bạ", "registry"),
    "parcel.types": ("loại nghiệp vụ", "document types"),
    "parcel.evidence": ("chứng cứ", "evidence"),
    "verify.good": (
        "{file}: HỢP LỆ, {kind} do {signer} ký lúc {time}.",
        "{file}: PASSED, {kind} signed by {signer} at {time}.",
    ),
    "verify.bad": ("{file}: KHÔNG HỢP LỆ. {reason}", "{file}: FAILED. {reason}"),
    "verify.unrevoked": ("Chưa kiểm tra thu hồi chứng thư.", "Revocation not checked."),
    "help.agency.apply": (
        "Áp dụng nhiều thay đổi của danh bạ từ một bảng CSV thành một phiên bản: ngừng hoạt động (close), mới (new), đổi tên (rename), bí danh (alias).",
        "Apply many changes of the registry, from a CSV table, as one version: close, new, rename, alias.",
    ),
    "help.agency.apply.at": (
        "Lúc việc ngừng hoạt động và cơ quan mới có hiệu lực (giờ Việt Nam); mặc định ngay bây giờ. Đổi tên, bí danh có hiệu lực khi áp dụng.",
        "When closings and new agencies hold (Viet Nam time); now by default. Names and aliases hold when they are applied.",
    ),
    "help.agency.apply.rehearse": (
        "Chỉ kiểm tra bảng và cho biết văn bản nào đang trên đường đến các cơ quan sẽ ngừng hoạt động.",
        "Only check the table, and tell what is on its way to agencies that will close.",
    ),
    "apply.flying": ("Đang trên đường đến cơ quan sẽ ngừng hoạt động:", "On its way to agencies that close:"),
    "apply.successor": ("Nơi kế thừa", "Successor"),
    "apply.fresh": ("Chưa phát: đến nơi kế thừa, không có thì trả lại", "Not published: to the successor, or back"),
    "agency.past": (
        "Lưu ý: {at} đã qua. Những gì cơ quan đã gửi, nhận từ lúc đó đến nay vẫn giữ nguyên.",
        "Mind: {at} is over. What the agency has sent and received since then stays as it is.",
    ),
    "apply.tried": ("Đã phát, có thể đã đến nơi cũ", "Published: may have arrived there"),
    "apply.close": ("ngừng hoạt động", "closed"),
    "apply.new": ("mới", "new"),
    "apply.rename": ("đổi tên", "renamed"),
    "apply.alias": ("bí danh", "aliases"),
    "apply.same": ("Danh bạ đã như bảng này: không có gì thay đổi.", "The registry says so already: nothing changes."),
    "apply.rehearsed": (
        "Bảng hợp lệ. Áp dụng sẽ tạo phiên bản {version}, hiệu lực từ {at}: {made}.",
        "The table is good. Applied it makes version {version}, from {at} on: {made}.",
    ),
    "apply.done": (
        "Danh bạ phiên bản {version}, hiệu lực từ {at}: {made}.",
        "Registry version {version}, from {at} on: {made}.",
    ),
    # -- a clerk's table: writing --------------------------------------------------------------------------------
    "help.write": (
        "Soạn và gửi một văn bản: đóng gói tệp PDF, Word… thành gói edXML, kiểm tra, ký, gửi, chờ trả lời.",
        "Write and send a document: files become an edXML packet, which is checked, signed, sent and answered.",
    ),
    "help.write.from": (
        "Mã cơ quan (hoặc đơn vị) gửi. Nếu thư mục dữ liệu chỉ có một cơ quan thì không cần.",
        "The sending agency's or unit's code. Not needed where the home has one agency.",
    ),
    "help.write.number": ("Số văn bản: 12.", "The document's number: 12."),
    "help.write.notation": ("Ký hiệu văn bản: VPCP-HC.", "The document's notation: VPCP-HC."),
    "help.write.subject": ("Trích yếu nội dung.", "What it is about."),
    "help.write.date": ("Ngày ban hành; mặc định hôm nay.", "The day of issue; today by default."),
    "help.write.kind": ("Tên loại văn bản.", "The kind of document."),
    "help.write.signer": ("Họ tên người ký văn bản.", "Who has signed it."),
    "help.write.position": ("Chức vụ người ký.", "The signer's position."),
    "help.write.due": ("Hạn trả lời.", "By when an answer is wanted."),
    "help.write.priority": (
        "Độ khẩn: 0 thường, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ.",
        "How urgent: 0 ordinary, 1 urgent, 2 very urgent, 3 express, 4 express by the hour.",
    ),
    "help.write.only_make": ("Chỉ tạo gói thành tệp, không gửi.", "Only make the packet, as a file; send nothing."),
    "help.write.output": ("Tệp gói được tạo, dùng với --only-make.", "The packet's file, with --only-make."),
    "help.answer": (
        "Trả lời một văn bản đến: nơi nhận là nơi đã gửi, gói ghi rõ trả lời văn bản nào.",
        "Answer a document that has come: it goes to its sender, and says which one it answers.",
    ),
    "help.recall": (
        "Thu hồi một văn bản đã gửi: nơi chưa nhận thì rút lại chắc chắn, nơi đã nhận thì được yêu cầu trả lại.",
        "Take a document back: withdrawn where it was not seen yet, asked for where it was.",
    ),
    "help.recall.to": (
        "Chỉ thu hồi ở nơi này; lặp lại được. Mặc định mọi nơi nhận.",
        "Only from this recipient; may be repeated. All recipients by default.",
    ),
    "help.recall.reason": (
        "Vì sao thu hồi; nơi nhận đọc được.",
        "Why it is taken back; its recipients read this.",
    ),
    "help.update": (
        "Cập nhật một văn bản đã gửi: nội dung mới (tệp), thêm hoặc bớt nơi nhận.",
        "Change a document that was sent: what it says (files), or who receives it.",
    ),
    "help.update.reason": (
        "Vì sao; nơi nhận đọc được.",
        "Why; its recipients read this.",
    ),
    "help.update.add": ("Thêm nơi nhận này; lặp lại được.", "A recipient more; may be repeated."),
    "help.update.remove": ("Bớt nơi nhận này; lặp lại được.", "A recipient less; may be repeated."),
    "help.replace": (
        "Gửi một văn bản mới thay thế văn bản đã gửi.",
        "Send a new document in the place of one that was sent.",
    ),
    "help.mark": (
        "Báo trạng thái xử lý một văn bản đến cho nơi gửi: tiếp nhận (03), phân công (04), hoàn thành (06), từ chối (02)…",
        "Tell the sender what has become of a document that has come: received (03), assigned (04), done (06), refused (02)…",
    ),
    "help.mark.as": (
        "Cơ quan hoặc đơn vị báo; không cần nếu thư mục dữ liệu chỉ có một cơ quan.",
        "The agency or unit that says it; not needed where the home has one agency.",
    ),
    "help.mark.staff": ("Người xử lý.", "Who works on it."),
    "help.mark.department": ("Phòng, ban xử lý.", "The department that works on it."),
    "help.mark.reason": (
        "Lý do hoặc ghi chú; nơi gửi đọc được. Bắt buộc khi từ chối (02, 16).",
        "Why, or a note; its sender reads this. Needed for a refusal (02, 16).",
    ),
    "mark.why": (
        "thiếu --reason: trạng thái {status} là từ chối, phải nói rõ lý do với nơi gửi",
        "--reason is missing: {status} is a refusal, and its sender is to be told why",
    ),
    "mark.long": (
        "--reason dài {count} ký tự; nhiều nhất {most}",
        "--reason has {count} characters; {most} at the most",
    ),
    "mark.whose": (
        "văn bản gửi cho nhiều đơn vị của cơ quan ({codes}): nêu một đơn vị bằng --as",
        "it was addressed to several units of the agency ({codes}): name one by --as",
    ),
    "mark.by_hand": (
        "Nếu không có phần mềm quản lý văn bản, báo bằng lệnh: {command}",
        "Where no document system does it, this command says so: {command}",
    ),
    "update.nothing": (
        "cần ít nhất một tệp, --add hoặc --remove: chưa rõ cập nhật điều gì",
        "a file, --add or --remove is needed: what changes?",
    ),
    "write.to_whom": ("thiếu --to: gửi đến cơ quan nào?", "--to is missing: to whom does it go?"),
    "write.from_whom": (
        "thiếu --from: thư mục dữ liệu này có nhiều cơ quan ({codes})",
        "--from is missing: this home has several agencies ({codes})",
    ),
    "write.only_make": ("-o chỉ dùng cùng --only-make", "-o goes with --only-make"),
    "write.due_early": (
        "hạn trả lời ({due}) trước ngày ban hành ({day}): chưa gửi gì",
        "--due ({due}) is before the day of issue ({day}): nothing was sent",
    ),
    "write.due_past": (
        "Lưu ý: hạn trả lời ({due}) đã qua.",
        "Note: the day by which an answer is wanted ({due}) is over.",
    ),
    "write.due_day": (
        "Lưu ý: gói văn bản chỉ ghi hạn đến ngày ({due}), không ghi giờ.",
        "Note: a packet says the day by which an answer is wanted ({due}), and no hour.",
    ),
    "write.no_files": (
        "Lưu ý: văn bản không có tệp đính kèm.",
        "Note: the document has no attachment.",
    ),
    "write.called": (
        "Tệp «{file}» được đặt tên trong gói là «{name}», để máy nào cũng lưu được.",
        "The file '{file}' is called '{name}' in the packet, so that every system can keep it.",
    ),
    "write.bad": (
        "Chưa gửi: có {errors} lỗi. Sửa rồi chạy lại lệnh.",
        "Not sent: {errors} errors. Mend them and run the command again.",
    ),
    "write.made": ("Đã tạo gói: {file}", "Made: {file}"),
    "write.next": (
        "Xem văn bản đang ở đâu: axis trace {reference:sh} --home {home:sh}",
        "Where it is: axis trace {reference:sh} --home {home:sh}",
    ),
    "help.inbox": (
        "Văn bản đến của một cơ quan, mới nhất trước; lấy tệp của một văn bản ra thư mục (-o).",
        "What has come to an agency, the newest first; the files of one document, put out (-o).",
    ),
    "help.inbox.as": (
        "Xem với tư cách cơ quan này; không cần nếu thư mục dữ liệu chỉ có một cơ quan.",
        "As this agency; not needed where the home has one agency.",
    ),
    "help.inbox.output": (
        "Thư mục để lấy tệp ra; không ghi đè tệp có sẵn.",
        "The folder to put its files into; nothing that lies there is overwritten.",
    ),
    "inbox.both": (
        "nêu cả văn bản và -o THƯ_MỤC để lấy tệp ra, hoặc không nêu gì để xem danh sách",
        "name a document and -o FOLDER to put its files out, or neither for the list",
    ),
    "inbox.as_whom": (
        "thiếu --as: thư mục dữ liệu này có nhiều cơ quan ({codes})",
        "--as is missing: this home has several agencies ({codes})",
    ),
    "inbox.came": ("Đến lúc", "Came"),
    "inbox.files": ("Tệp", "Files"),
    "inbox.none": ("{code} chưa có văn bản đến.", "Nothing has come to {code}."),
    # -- a clerk's table: readable copies ------------------------------------------------------------------------
    "why_not.head": ("Tệp «{name}» chưa được gửi.\n\n", "The file '{name}' has not been sent.\n\n"),
    "why_not.ending": (
        "Thư mục outbox chỉ nhận gói văn bản ({endings}). Văn bản PDF, Word… gửi bằng lệnh axis write: lệnh đóng gói và gửi giúp.\n",
        "outbox takes packets only ({endings}). A PDF or Word file is sent by axis write, which makes the packet.\n",
    ),
    "why_not.no_file": (
        "Đây là thư mục, liên kết hoặc ống dẫn, không phải tệp. Chép chính tệp {endings} vào outbox/.\n",
        "This is a folder, a link or a pipe, not a file. Copy the file itself ({endings}) into outbox/.\n",
    ),
    "why_not.ready": (
        "Chưa có tệp «{sign}» bên cạnh: hệ thống quản lý văn bản chưa báo là đã ghi xong.\n",
        "There is no '{sign}' beside it: the document system has not said that it is complete.\n",
    ),
    "why_not.unreadable": (
        "Không đọc được tệp này: có thể nó đang mở trong chương trình khác, hoặc không có quyền đọc. Sẽ tự thử lại.\n",
        "It cannot be read: another program may have it open, or there is no right to read it. It is tried again.\n",
    ),
    "why_not.passing": (
        "Tên tệp cho biết đây là tệp tạm, còn đang được ghi. Nếu đã ghi xong, đổi lại tên.\n",
        "Its name says that it is still being written. If it is complete, give it its own name.\n",
    ),
    "why_not.waits": (
        "Tệp đã được đọc và ký; đang chờ trục trả lời. Không cần làm gì: khi trục trả lời, tệp chuyển sang thư mục sent.\n",
        "It was read and signed, and waits for the hub's answer. Nothing is to be done: then it goes to sent.\n",
    ),
    "why_not.refused": (
        "Tệp «{name}» bị từ chối nên không được chuyển đi. Lý do, và việc phải làm:\n\n",
        "The file '{name}' was refused and is not delivered. Why, and what there is to do:\n\n",
    ),
    "why_not.again": (
        "Sửa xong thì gửi lại, số và ký hiệu giữ nguyên.\n",
        "Once it is mended send it again, under the number that it has.\n",
    ),
    "readable.number": ("Số, ký hiệu", "Number"),
    "readable.subject": ("Trích yếu", "Subject"),
    "readable.from": ("Cơ quan ban hành", "From"),
    "readable.issued": ("Ngày ban hành", "Issued"),
    "readable.kind": ("Loại văn bản", "Kind"),
    "readable.signer": ("Người ký", "Signed by"),
    "readable.priority": ("Độ khẩn", "Priority"),
    "readable.priority.1": ("Khẩn", "Urgent"),
    "readable.priority.2": ("Thượng khẩn", "Very urgent"),
    "readable.priority.3": ("Hỏa tốc", "Express"),
    "readable.priority.4": ("Hỏa tốc hẹn giờ", "Express, by the hour"),
    "readable.due": ("Hạn trả lời", "Due"),
    "readable.to": ("Nơi nhận", "To"),
    "readable.answers": ("Trả lời văn bản", "Answers"),
    "readable.asked": ("Yêu cầu", "Asked"),
    "readable.reason": ("Lý do", "Reason"),
    "readable.after": ("Sau đó", "Since then"),
    "readable.came": ("Đến lúc", "Came"),
    "readable.document_id": ("Mã định danh văn bản", "DocumentId"),
    "readable.axis_id": ("Mã trên trục", "Axis id"),
    "readable.files": ("Tệp đính kèm", "Attachments"),
    "readable.no_files": ("Không có tệp đính kèm.", "No attachments."),
    "readable.file": ("Tệp ở đây", "File here"),
    "readable.called": ("Tên bên gửi đặt", "As the sender calls it"),
    "readable.bytes": ("Số byte", "Bytes"),
    "readable.digest": ("SHA-256", "SHA-256"),
    "readable.receipts": ("Biên nhận có ký số", "Signed receipts"),
    "readable.acceptance": ("trục đã tiếp nhận văn bản này (A.1)", "the hub has accepted this document (A.1)"),
    "readable.answer": ("cơ quan ta đã nhận văn bản này (E.1)", "this agency has it (E.1)"),
    "readable.whole": (
        "Đây là bản để đọc. Bản gốc có chữ ký số: {name}.asice và {name}.edxml trong thư mục inbox.",
        "This is a copy to read. The signed original: {name}.asice and {name}.edxml in inbox.",
    ),
    "check.good": ("{file}: không có lỗi.", "{file}: no errors."),
    "check.bad": (
        "{file}: {errors} lỗi, {warnings} cảnh báo.",
        "{file}: {errors} errors, {warnings} warnings.",
    ),
    "error": ("lỗi", "error"),
    "warning": ("cảnh báo", "warning"),
    "acts.sender": ("nơi gửi xử lý", "the sender acts"),
    "acts.typed": ("người gõ lệnh sửa", "whoever typed it mends it"),
    "at.line": ("dòng {line}", "line {line}"),
    "acts.recipient": ("nơi nhận xử lý", "the recipient acts"),
    "acts.operator": ("người vận hành xử lý", "the operator acts"),
    "acts.developer": ("nhóm phát triển xử lý", "the developers act"),
    "crash": (
        "Lỗi không mong đợi, mã sự cố {incident}. Hãy gửi mã này kèm tệp {log} cho nhóm phát triển.",
        "Unexpected error, incident {incident}. Please report it with the file {log}.",
    ),
    "export.nobody": (
        "Nêu mã cơ quan, hoặc --each để làm cho mọi cơ quan.",
        "Name an agency's code, or --each for all of them.",
    ),
    "export.done": ("Đã tạo thư mục dữ liệu {target} cho {codes}.", "Made the home {target} for {codes}."),
    "registry.changed": (
        "Danh bạ phiên bản {version}: {code} {change}.",
        "Registry version {version}: {code} {change}.",
    ),
    "change.add": ("được thêm", "added"),
    "change.suspend": ("tạm ngừng", "suspended"),
    "change.resume": ("hoạt động lại", "resumed"),
    "change.rotate": ("đổi khóa", "has a new key"),
    "demo.setup": (
        "Chuẩn bị {agencies} cơ quan, {documents} văn bản",
        "Preparing {agencies} agencies, {documents} documents",
    ),
    "demo.running": ("Đang gửi", "Sending"),
    "demo.summary": ("Tổng kết", "Summary"),
    "demo.lost": ("mất", "lost"),
    "demo.duplicates": ("trùng", "duplicates"),
    "demo.seconds": ("giây", "seconds"),
    "demo.documents": ("văn bản", "documents"),
    "demo.deliveries": ("lượt gửi", "deliveries"),
    "demo.handed_over": ("đã bàn giao", "handed over"),
    "demo.receipts": ("biên nhận", "receipts"),
    "demo.keep": (
        "axis demo --home axis-demo giữ lại thư mục dữ liệu và cho biết nên thử lệnh gì tiếp.",
        "axis demo --home axis-demo keeps the home and says what to try next.",
    ),
    "demo.record_gone": (
        "Các thư mục được giữ ở {home}; hồ sơ trong PostgreSQL đã xóa.",
        "The folders are kept in {home}; the record in PostgreSQL is gone.",
    ),
    "demo.scene.letter": ("Một văn bản, một nơi nhận", "A letter"),
    "demo.told.letter": (
        """{code}, {sender} gửi {recipient}.
{accepted_at} A.1, {accepted_by} ký: đã tiếp nhận, hồ sơ đã lưu bền vững.
{handed_over_at} E.1, {handed_over_by} ký: hệ thống nơi nhận đã có văn bản.
Nơi nhận thấy {file}
SHA-256 của tệp đính kèm ở nơi nhận và ở nơi gửi: {digest}""",
        """{code}, from {sender} to {recipient}.
{accepted_at} A.1, signed by {accepted_by}: accepted, the record is durable.
{handed_over_at} E.1, signed by {handed_over_by}: the recipient's system has it.
The recipient finds {file}
SHA-256 of the attachment there, and at the sender: {digest}""",
    ),
    "demo.scene.circular": ("Một văn bản gửi mọi nơi", "A circular"),
    "demo.told.circular": (
        """{code}, {sender} gửi {recipients} cơ quan: {handed_over} nơi đã nhận.
S.1, {signer} ký: chứng nhận phát hành, nêu kết quả ở từng nơi nhận.
{receipt}""",
        """{code}, from {sender} to {recipients} agencies: {handed_over} have it.
S.1, signed by {signer}: the certificate of distribution, with each outcome.
{receipt}""",
    ),
    "demo.scene.death": ("Chết giữa chừng", "A death in between"),
    "demo.told.death": (
        """Tiến trình {pid} bị {signal} giết ngay giữa lúc gửi: {arrived} gói tin
đã nằm trong inbox của các nơi nhận, trục mới có biên nhận của {recorded} gói.
Chạy tiếp, đếm theo mã băm trong inbox: {handed_over}/{deliveries} đã đến, mất {lost}, trùng {duplicates}.""",
        """Process {pid} was killed by {signal} in the middle of all this: {arrived} packets
lay in the recipients' inboxes, and the hub had receipts of {recorded}.
Gone on, and counted by digest in the inboxes: {handed_over} of {deliveries} there, lost {lost}, duplicates {duplicates}.""",
    ),
    "demo.scene.refusal": ("Bị từ chối, rồi sửa", "A refusal, and its mending"),
    "demo.told.refusal": (
        """{code} ghi sai nơi nhận. {refused_at} A.2, {signer} ký: {fault}
"{reason}"
Văn thư đọc {file}
Sửa nơi nhận thành {recipient}, gửi lại, vẫn DocumentId {document_id}:
{accepted_at} A.1; {handed_over_at} E.1, {mended_by} ký.""",
        """{code} names a wrong recipient. {refused_at} A.2, signed by {signer}: {fault}
"{reason}"
The clerk reads {file}
Corrected to {recipient} and sent again with its DocumentId {document_id}:
{accepted_at} A.1; {handed_over_at} E.1, signed by {mended_by}.""",
    ),
    "demo.scene.in_time": ("Thu hồi kịp", "A recall in time"),
    "demo.told.in_time": (
        """{code}: adapter của {recipient} đang dừng nên văn bản còn chờ; nơi gửi thu hồi ({reason}).
{withdrawn_at} W.1, {signer} ký: đã thu hồi chắc chắn, hệ thống nơi nhận chưa thấy.
Trong inbox của {recipient}: {in_inbox} văn bản này.""",
        """{code}: the adapter of {recipient} stands still, so it waits; its sender takes it back ({reason}).
{withdrawn_at} W.1, signed by {signer}: withdrawn for certain, its system has never seen it.
Copies in the inbox of {recipient}: {in_inbox}.""",
    ),
    "demo.scene.too_late": ("Thu hồi muộn", "A recall too late"),
    "demo.told.too_late": (
        """{code}: {recipient} đã có từ {handed_over_at}.
{too_late_at} W.2, {signer} ký: "{reason}"
Văn thư {recipient} trả lời: {stage}.""",
        """{code}: {recipient} has had it since {handed_over_at}.
{too_late_at} W.2, signed by {signer}: "{reason}"
The clerk of {recipient} answers: {stage}.""",
    ),
    "demo.scene.check": (
        "Kiểm tra một biên nhận, không cần tin vào trục",
        "A receipt checked without trusting the axis",
    ),
    "demo.told.check": (
        """{receipt}
{tool}, tin vào pki/ca.pem: {good}. Đổi tên nơi nhận trong biên nhận: {altered}.""",
        """{receipt}
{tool}, trusting pki/ca.pem: {good}. With another recipient written into it: {altered}.""",
    ),
    "demo.told.check.missing": (
        """{receipt}
Máy này không có xmlsec1 nên chưa kiểm tra được (apt-get install xmlsec1).""",
        """{receipt}
There is no xmlsec1 on this machine, so nothing was checked (apt-get install xmlsec1).""",
    ),
    "demo.verdict.good": ("chữ ký đúng", "the signature is good"),
    "demo.verdict.bad": ("bị từ chối", "refused"),
    "demo.scene.next": ("Thử tiếp trong {home}:", "What to try next in {home}:"),
    "demo.try.trace": (
        "văn bản thu hồi muộn: đang ở đâu, hành trình",
        "the one recalled too late: where it is, its history",
    ),
    "demo.try.board": ("nơi nào đã nhận văn bản gửi mọi nơi", "who has the circular"),
    "demo.try.suspend": ("tạm ngừng một cơ quan", "suspend an agency"),
    "demo.try.send": ("gửi cho cơ quan đó và một nơi khác", "send something to it and to another"),
    "demo.try.why": ("vì sao chưa đến, ai phải làm gì", "why it has not come, who has to do what"),
    "demo.try.resume": ("cho cơ quan đó hoạt động lại", "let the agency go on"),
    "demo.try.run": ("chạy trục: văn bản đang chờ sẽ đến", "run the axis: what waits arrives"),
    "demo.try.report": ("số liệu hôm nay", "the figures of today"),
    "demo.try.verify": ("tự kiểm tra một biên nhận", "check a receipt yourself"),
    "demo.try.doctor": ("mọi thứ có ổn không", "is all well"),
    "demo.bad": (
        "KHÔNG ĐẠT: {lost} mất, {duplicates} trùng.",
        "FAILED: {lost} lost, {duplicates} duplicated.",
    ),
    # -- words of the trace ----------------------------------------------------------------------------------
    "trace.type": ("Loại nghiệp vụ", "Document type"),
    "trace.document": ("Văn bản", "Document"),
    "trace.from": ("Nơi gửi", "From"),
    "trace.received": ("Trục nhận lúc", "Accepted at"),
    "trace.taken": ("Bộ kết nối lấy lúc", "Taken by the adapter at"),
    "trace.submission": ("{kind} của {sender}, {at} · {id}", "{kind} of {sender}, {at} · {id}"),
    "trace.digest": ("Mã băm nội dung", "Content digest"),
    "trace.gone.retention": (
        "Nội dung đã hết hạn lưu, bỏ lúc {time}; biên nhận, mã băm và nhật ký vẫn còn",
        "The bytes have ended at {time}; receipts, digests and history are kept",
    ),
    "trace.gone.here": (
        "Nội dung ở adapter này đã hết hạn lưu; biên nhận, mã băm và nhật ký vẫn còn",
        "The bytes at this adapter have ended; receipts, digests and history are kept",
    ),
    "trace.gone.recall": ("Nội dung đã bỏ vì văn bản bị thu hồi", "The bytes were dropped: the document was recalled"),
    "trace.recipient": ("Nơi nhận", "Recipient"),
    "trace.state": ("Tình trạng", "State"),
    "trace.status": ("Trạng thái", "Status"),
    "trace.attempts": ("Lần thử", "Attempts"),
    "trace.updated": ("Cập nhật", "Updated"),
    "trace.next": ("Thử lại lúc", "Next attempt"),
    "trace.time": ("Thời gian", "Time"),
    "trace.actor": ("Bên thực hiện", "Who"),
    "trace.event": ("Sự kiện", "What"),
    "trace.detail": ("Chi tiết", "Detail"),
    "state.ACCEPTED": ("trục đã nhận, đang chuyển đi", "accepted, not yet sent on"),
    "state.QUEUED": ("trong hàng đợi nơi nhận", "in the recipient's queue"),
    "state.HANDED_OVER": ("đã bàn giao", "handed over"),
    "state.REFUSED": ("nơi nhận từ chối", "refused by the recipient"),
    "state.FAILED": ("chưa chuyển được", "not delivered so far"),
    "state.RECALLED": ("đã thu hồi", "withdrawn"),
    "event.submission.accepted": ("trục tiếp nhận (A.1)", "accepted by the hub (A.1)"),
    "event.submission.refused": ("trục từ chối (A.2)", "refused by the hub (A.2)"),
    "event.submission.waits": (
        "chờ phần hồ sơ đã mất được gửi lại; chưa trả lời",
        "waits for what the restored record has lost; not answered yet",
    ),
    "event.submission.repeated": ("gửi trùng, giữ trả lời trước", "submitted again, same answer"),
    "event.refusal.repeated": ("gửi trùng, giữ lần từ chối trước", "submitted again, same refusal"),
    "event.delivery.consigned": ("vào hàng đợi nơi nhận", "in the recipient's queue"),
    "event.consignment.told": (
        "báo nơi gửi: văn bản còn trong hàng đợi nơi nhận (D.1)",
        "the sender is told that it waits in the recipient's queue (D.1)",
    ),
    "event.delivery.resent": ("phát lại", "sent again"),
    "event.delivery.moved": ("chuyển cho nơi kế thừa", "goes to the successor"),
    "event.delivery.taken_back": (
        "lấy lại từ hàng đợi của cơ quan đã ngừng hoạt động, chưa ai nhận",
        "taken back from the closed agency's queue, given to nobody",
    ),
    "event.delivery.given_up": (
        "cơ quan đã ngừng hoạt động cam kết chưa bàn giao, trả lại (W.1)",
        "the closed agency gives it up, never handed over (W.1)",
    ),
    "event.delivery.doubted": (
        "cán bộ quyết định chuyển tiếp; có thể cơ quan cũ cũng đã nhận",
        "an officer has it move on; the closed agency may have it too",
    ),
    "event.delivery.second": (
        "cũng đã nhận, nhưng sau nơi đã xác nhận trước",
        "has it as well, after the one that confirmed first",
    ),
    "event.delivery.kept": (
        "cơ quan cũ xác nhận trước, nên văn bản là của cơ quan cũ",
        "the closed agency confirmed first, so it is its own",
    ),
    "event.document.given_up": (
        "cơ quan đã ngừng hoạt động: không hiển thị, chuyển nơi kế thừa (W.1)",
        "the agency is closed: not shown, its successor gets it (W.1)",
    ),
    "event.update.given_up": (
        "cơ quan đã ngừng hoạt động: bản cập nhật chuyển nơi kế thừa (W.1)",
        "the agency is closed: the update goes to its successor (W.1)",
    ),
    "event.document.doubted": (
        "thư mục đã được phục hồi từ bản cũ: có thể văn bản đã được hiển thị, chờ cán bộ quyết định",
        "this home was put back to an older copy: it may have been shown, and waits for an officer",
    ),
    "event.update.doubted": (
        "thư mục đã được phục hồi từ bản cũ: có thể bản cập nhật đã được hiển thị, chờ cán bộ quyết định",
        "this home was put back to an older copy: the update may have been shown, and waits for an officer",
    ),
    "event.delivery.closed": ("không gửi nữa: cơ quan đã ngừng hoạt động", "given up: the agency is closed"),
    "event.message.redirected": ("chuyển cho nơi kế thừa", "goes to the successor"),
    "event.receipt.refused": (
        "biên nhận cần ký lại: chữ ký hết hiệu lực, nội dung vẫn đúng",
        "a receipt is to be signed again: its signature has passed, its content is good",
    ),
    "event.receipt.signed_again": ("ký lại biên nhận", "receipt signed again"),
    "event.receipt.doubted": ("hỏi trục đã nhận biên nhận này lúc nào", "the hub is asked when it accepted a receipt"),
    "event.receipt.vouched": ("trục xác nhận lúc đã nhận biên nhận (R.1)", "the hub says when it accepted it (R.1)"),
    "event.source.signed_again": ("ký lại cùng nội dung", "the same content signed again"),
    "event.message.damaged": ("nội dung lưu trữ hỏng, chờ sửa", "stored bytes damaged, waits for a repair"),
    "event.recall.asked": ("yêu cầu thu hồi đã đến nơi kế thừa", "the successor is asked to take it back"),
    "event.receipt.repeated": ("gửi lại biên nhận cũ", "the same receipt again"),
    "event.deadline.met": ("đúng hạn", "in time"),
    "event.document.shown": ("hệ thống nơi nhận thấy văn bản, chờ xác nhận", "shown to the recipient's system"),
    "event.update.shown": (
        "hệ thống nơi nhận thấy bản cập nhật, chờ xác nhận",
        "the update is shown to the recipient's system",
    ),
    "event.recall.passed_on": ("chuyển yêu cầu thu hồi cho nơi nhận", "the recall is passed on to the recipient"),
    "event.recall.shown": ("hệ thống nơi nhận thấy yêu cầu thu hồi", "the recall is shown to the recipient's system"),
    "event.status.shown": ("hệ thống nơi nhận thấy trạng thái", "the status is shown to the recipient's system"),
    "event.delivery.republished": ("chuyển lại vào hàng đợi", "published again"),
    "event.delivery.postponed": ("chưa chuyển được, sẽ thử lại", "not published, will be tried again"),
    "event.delivery.failed": ("chưa chuyển được (D.2)", "not delivered so far (D.2)"),
    "event.delivery.handed_over": ("bàn giao cho nơi nhận (E.1)", "handed over (E.1)"),
    "event.delivery.refused": ("nơi nhận từ chối (E.2)", "refused by the recipient (E.2)"),
    "event.delivery.status": ("trạng thái xử lý", "business status"),
    "event.delivery.withdrawn": ("thu hồi trước khi bàn giao (W.1)", "withdrawn before the hand-over (W.1)"),
    "event.delivery.added": ("thêm nơi nhận", "a recipient was added"),
    "event.deadline.near": ("sắp đến hạn", "a deadline is near"),
    "event.deadline.missed": ("quá hạn", "a deadline has passed"),
    "event.deadline.void": ("hạn không còn áp dụng", "a deadline without meaning"),
    "event.distribution.certified": ("chứng nhận phát hành (S.1)", "certificate of distribution (S.1)"),
    "event.demand.asked": ("yêu cầu nơi nhận", "asked of the recipient"),
    "event.demand.answered": ("nơi nhận trả lời", "the recipient answered"),
    "event.demand.overtaken": ("yêu cầu không còn hiệu lực vì đã thu hồi", "overtaken by the recall"),
    "event.recall.decided": ("kết quả thu hồi", "the recall was decided"),
    "event.recall.too_late": ("thu hồi đến sau khi bàn giao (W.2)", "the recall came after the hand-over (W.2)"),
    "event.recall.void": ("không có gì để thu hồi (W.2)", "nothing to take back (W.2)"),
    "event.recall.handing_over": ("đang đưa yêu cầu thu hồi", "handing the recall over"),
    "event.recall.handed_over": ("hệ thống nơi nhận đã có yêu cầu thu hồi", "the recipient's system has the recall"),
    "event.recall.refused": ("hệ thống nơi nhận từ chối yêu cầu thu hồi", "recall refused by the recipient's system"),
    "event.update.handing_over": ("đang đưa bản cập nhật", "handing the update over"),
    "event.update.handed_over": ("hệ thống nơi nhận đã có bản cập nhật", "the recipient's system has the update"),
    "event.update.refused": ("hệ thống nơi nhận từ chối bản cập nhật", "update refused by the recipient's system"),
    "event.document.withdrawn": ("thu hồi chắc chắn, không hiển thị", "withdrawn for certain, never shown"),
    "event.update.withdrawn": ("bản cập nhật của văn bản đã thu hồi", "an update of what was withdrawn"),
    "event.source.pending": ("chuyển đổi và ký", "converted and signed"),
    "event.source.invalid": ("không hợp lệ tại adapter", "found invalid by the adapter"),
    "event.receipt.received": ("nhận biên nhận", "receipt received"),
    "event.receipt.shown": ("trình trục các biên nhận đang giữ", "receipts that are held were shown to the hub"),
    "event.receipt.remembered": (
        "trục nhắc lại biên nhận mà bản phục hồi không còn",
        "the hub has told the restored home what it had said itself",
    ),
    "event.receipt.handing_over": ("đang đưa biên nhận", "handing the receipt over"),
    "event.receipt.handed_over": ("đã đưa biên nhận", "receipt handed over"),
    "event.receipt.superseded": ("nơi nhận đã trả lời lại", "the recipient has answered for it again"),
    "event.receipt.quarantined": ("biên nhận bị cách ly", "receipt quarantined"),
    "event.message.put_aside": ("thông điệp bị cách ly", "message put aside"),
    "event.quarantine.retry": ("người vận hành cho xử lý lại thông điệp cách ly", "an operator has it judged again"),
    "event.quarantine.release": ("người vận hành cho thông điệp cách ly đi tiếp", "released by an operator"),
    "event.quarantine.return": ("người vận hành trả lại thông điệp cách ly", "returned to the sender by an operator"),
    "event.quarantine.drop": ("người vận hành bỏ thông điệp cách ly", "taken out of quarantine by an operator"),
    "event.mail.received": ("bộ kết nối nhận được", "taken by the adapter"),
    "event.mail.held": ("chờ danh bạ mới", "waits for a newer registry"),
    "event.mail.put_aside": ("để riêng, chờ danh bạ cho biết khóa", "put aside until a registry names the key"),
    "event.mail.rejected": ("thông điệp không xác thực được", "mail that cannot be believed"),
    "event.document.handing_over": ("đang bàn giao", "handing over"),
    "event.document.handed_over": ("hệ thống nơi nhận đã có", "the recipient's system has it"),
    "event.document.refused": ("hệ thống nơi nhận từ chối", "refused by the recipient's system"),
    "event.status.handing_over": ("đang đưa trạng thái", "handing the status over"),
    "event.status.handed_over": ("đã đưa trạng thái", "status handed over"),
    "event.status.refused": ("trạng thái bị từ chối", "status refused"),
    "event.source.sent_again": ("gửi lại vì trục phục hồi hồ sơ cũ", "sent again: the hub's record was restored"),
    "event.home.started": ("adapter khởi động", "the adapter has started"),
    "event.home.behind": (
        "thư mục của adapter là bản cũ; không làm gì",
        "the adapter's home is an older copy; it does nothing",
    ),
    "event.home.replaced": (
        "thư mục phục hồi thay cho bản trước; trục gửi lại",
        "a restored home takes the place of the one before; sent again what it may not know",
    ),
    "event.home.restored": ("người vận hành xác nhận thư mục phục hồi", "the operator has confirmed the restored home"),
    "event.key.claimed": (
        "có người xin khóa mới cho cơ quan này, do người đăng ký giới thiệu",
        "somebody asks for a new key of this agency, introduced by registrars",
    ),
    "event.line.tested": ("thử đường truyền: đã nhận được", "the connection was tested: it has come"),
    "event.line.echoed": (
        "thử đường truyền: cơ quan đã trả lời",
        "the connection was tested: the agency has answered",
    ),
    "event.log.contradicted": (
        "sổ cái tự mâu thuẫn; thôi ký chứng kiến",
        "the log contradicts itself; nothing more is cosigned",
    ),
    "event.log.unknown": (
        "sổ cái nói thay cơ quan này điều hệ thống ở đây không biết",
        "the log says something in this agency's name that is not known here",
    ),
    "event.log.settled": ("đã làm rõ; chứng kiến lại", "looked into; it witnesses again"),
    "event.witness.stopped": ("bên chứng kiến thôi ký", "the witness cosigns nothing more"),
    "event.home.copied": ("hai bản sao của thư mục cùng chạy", "two copies of the home work at the same time"),
    "event.log.stamped": ("dấu thời gian trên điểm kiểm", "time-stamp on a checkpoint"),
    "event.payload.ended": ("nội dung hết hạn lưu, đã bỏ", "its bytes have ended, their time was over"),
    "event.retention.ended": ("bỏ nội dung đã hết hạn lưu", "bytes whose time was over have ended"),
    "event.retention.held": ("người vận hành giữ nội dung lại", "an operator keeps the bytes"),
    "event.retention.released": ("người vận hành thôi giữ nội dung", "an operator keeps the bytes no longer"),
    "event.record.restored": ("hồ sơ được phục hồi từ bản sao lưu cũ", "the record was restored from an old backup"),
    "event.registry.issued": ("ban hành danh bạ", "registry issued"),
    "event.registry.installed": ("cài danh bạ", "registry installed"),
    "demand.recall": ("thu hồi", "recall"),
    "demand.update": ("cập nhật", "update"),
    "demand.replace": ("thay thế", "replacement"),
    "stage.PENDING": ("đang chờ", "pending"),
    "stage.OPEN": ("chờ nơi nhận trả lời", "the recipient has to answer"),
    "stage.WITHDRAWN": ("đã thu hồi chắc chắn", "withdrawn for certain"),
    "stage.VOID": ("không có gì để thu hồi", "nothing to take back"),
    "stage.AGREED": ("nơi nhận đồng ý (15)", "the recipient agreed (15)"),
    "stage.DECLINED": ("nơi nhận từ chối (16)", "the recipient refused (16)"),
    "stage.OVERTAKEN": ("không còn hiệu lực", "overtaken by a recall"),
    "asked.one": (
        "{kind} của {sender}, đến lúc {at}{because}: {stage}.",
        "{kind} of {sender}, which came at {at}{because}: {stage}.",
    ),
    "change.recall": ("Yêu cầu thu hồi", "A recall"),
    "change.update": ("Bản cập nhật", "An update"),
    "trace.change": ("Thay đổi", "Change"),
    "trace.answered": ("Trả lời lúc", "Answered"),
    "trace.asked_reason": ("Lý do yêu cầu", "Reason given"),
    "trace.reason": ("Lý do trả lời", "Reason of the answer"),
    "trace.superseded": ("Được thay thế bởi", "Superseded by"),
    "column.by": ("Theo", "By"),
    "business.01": ("01 đã đến", "01 arrived"),
    "business.02": ("02 từ chối tiếp nhận", "02 refused"),
    "business.03": ("03 đã tiếp nhận", "03 accepted"),
    "business.04": ("04 phân công", "04 assigned"),
    "business.05": ("05 đang xử lý", "05 processing"),
    "business.06": ("06 hoàn thành", "06 finished"),
    "yes": ("có", "yes"),
    "no": ("không", "no"),
    # -- names of values, where an object is shown to people ------------------------------------------------
    "field.accepted_since": ("tiếp nhận từ", "accepted since"),
    "field.action": ("việc", "action"),
    "field.added_by": ("thêm bởi", "added by"),
    "field.again": ("có thể đã vào hàng đợi từ trước", "may have been queued before"),
    "field.agency": ("cơ quan", "agency"),
    "field.aliases": ("mã khác", "aliases"),
    "field.attachments": ("tệp đính kèm", "attachment"),
    "field.attempt": ("lần thử", "attempt"),
    "field.attempts": ("số lần thử", "attempts"),
    "field.before": ("trước đó", "before"),
    "field.by": ("bởi", "by"),
    "field.bytes": ("mã băm nội dung", "digest of its bytes"),
    "field.certificates": ("chứng thư", "certificate"),
    "field.change": ("thay đổi", "change"),
    "field.code": ("mã", "code"),
    "field.codes": ("mã lỗi", "codes"),
    "field.content_digest": ("mã băm nội dung", "content digest"),
    "field.content_type": ("kiểu tệp", "content type"),
    "field.day": ("ngày", "day"),
    "field.demand": ("yêu cầu", "demand"),
    "field.description": ("nội dung", "description"),
    "field.document": ("văn bản", "document"),
    "field.document_id": ("DocumentId", "DocumentId"),
    "field.due_at": ("hạn", "due"),
    "field.due_date": ("hạn xử lý", "due date"),
    "field.event": ("sự kiện", "event"),
    "field.files": ("tệp", "files"),
    "field.findings": ("lỗi", "findings"),
    "field.from": ("nơi gửi", "from"),
    "field.got": ("chi tiết", "detail"),
    "field.kind": ("loại", "kind"),
    "field.late": ("trễ hạn", "late"),
    "field.leg": ("hạn", "deadline"),
    "field.line": ("lần thử đường truyền", "line test"),
    "field.log": ("nhật ký cây băm", "log"),
    "field.reply": ("mã băm dấu thời gian", "time-stamp's digest"),
    "field.time": ("thời điểm", "time"),
    "field.took": ("thời gian đi và về", "there and back"),
    "field.message": ("thông điệp", "message"),
    "field.name": ("tên", "name"),
    "field.name_en": ("tên tiếng Anh", "English name"),
    "field.name_vi": ("tên", "Vietnamese name"),
    "field.not_after": ("hết hiệu lực", "valid until"),
    "field.not_before": ("hiệu lực từ", "valid from"),
    "field.number": ("lần", "number"),
    "field.organ_id": ("mã định danh", "OrganId"),
    "field.other": ("khác", "other"),
    "field.outcome": ("kết quả", "outcome"),
    "field.outcomes": ("kết quả", "outcomes"),
    "field.priority": ("mức khẩn", "priority"),
    "field.cosigned": ("đã ký đến mục", "cosigned up to"),
    "field.owner": ("nơi đã xác nhận trước", "who confirmed first"),
    "field.places": ("mục", "places"),
    "field.root": ("gốc cây băm", "root"),
    "field.promulgation_date": ("ngày ban hành", "issue date"),
    "field.queue": ("hàng đợi", "queue"),
    "field.reason": ("lý do", "reason"),
    "field.reasons": ("lý do", "reasons"),
    "field.issuer": ("bên lập", "issuer"),
    "field.recipients": ("nơi nhận", "recipients"),
    "field.said_at": ("lập lúc", "said at"),
    "field.evidence": ("mã băm biên nhận", "digest of the receipt"),
    "field.parcel_digest": ("mã băm gói đã ký", "parcel digest"),
    "field.units": ("đơn vị", "units"),
    "field.sequence": ("số thứ tự", "sequence"),
    "field.instance": ("lần cài đặt", "instance"),
    "field.other_instance": ("lần cài đặt khác", "other instance"),
    "field.heard": ("đã nghe đến", "heard up to"),
    "field.start": ("bắt đầu", "start"),
    "field.with": ("cùng với", "with"),
    "field.receipt": ("biên nhận", "receipt"),
    "field.receipts": ("biên nhận", "receipts"),
    "field.recipient": ("nơi nhận", "recipient"),
    "field.registry": ("phiên bản danh bạ", "registry version"),
    "field.response_for": ("trả lời cho", "response for"),
    "field.revoked_at": ("thu hồi lúc", "revoked at"),
    "field.sender": ("nơi gửi", "sender"),
    "field.sha256": ("SHA-256", "SHA-256"),
    "field.size": ("số byte", "bytes"),
    "field.stage": ("bước", "stage"),
    "field.standing": ("tình trạng", "standing"),
    "field.state": ("tình trạng", "state"),
    "field.status": ("trạng thái", "status"),
    "field.status_code": ("mã trạng thái", "status code"),
    "field.subject": ("trích yếu", "subject"),
    "field.successor": ("cơ quan kế thừa", "successor"),
    "field.timestamp": ("thời điểm", "timestamp"),
    "field.to": ("nơi nhận", "to"),
    "field.unit": ("đơn vị", "unit"),
    "field.use": ("dùng để", "use"),
    "field.version": ("phiên bản", "version"),
    "kind.centrally_run_city": ("thành phố trực thuộc trung ương", "centrally run city"),
    "kind.government_attached": ("cơ quan thuộc Chính phủ", "attached to the Government"),
    "kind.ministerial_level": ("cơ quan ngang bộ", "ministerial level"),
    "kind.ministry": ("bộ", "ministry"),
    "kind.other_pm_established": ("do Thủ tướng thành lập", "established by the Prime Minister"),
    "kind.party": ("cơ quan Đảng", "Party"),
    "kind.province": ("tỉnh", "province"),
    "kind.new": ("văn bản mới", "new"),
    "kind.replace": ("thay thế", "replacement"),
    "kind.update": ("cập nhật", "update"),
    "kind.recall": ("thu hồi", "recall"),
    "kind.status": ("trạng thái", "status"),
    "use.sign": ("ký", "signing"),
    "use.tls": ("kết nối TLS", "TLS"),
    "outcome.confirmed": ("broker đã nhận", "confirmed"),
    "outcome.returned": ("không có hàng đợi", "no such queue"),
    "outcome.full": ("hàng đợi đầy", "queue full"),
    "outcome.failed": ("broker không nhận", "not taken by the broker"),
    "outcome.TOO_LATE": ("quá muộn", "too late"),
    "outcome.WITHDRAWN": ("đã thu hồi", "withdrawn"),
    "outcome.NOTHING": ("không có gì để làm", "nothing to do"),
    "outcome.AGREED": ("đồng ý", "agreed"),
    "outcome.DECLINED": ("từ chối", "declined"),
    "outcome.OVERTAKEN": ("không còn hiệu lực", "overtaken"),
    "action.retry": ("thử lại", "retry"),
    "action.release": ("cho đi tiếp", "release"),
    "action.return": ("trả lại", "return"),
    "action.drop": ("bỏ", "drop"),
    "column.code": ("Mã", "Code"),
    "column.name": ("Tên", "Name"),
    "column.kind": ("Loại", "Kind"),
    "column.standing": ("Tình trạng", "Standing"),
    "column.severity": ("Mức", "Severity"),
    "column.path": ("Vị trí", "Path"),
    "column.line": ("Dòng", "Line"),
    "column.text": ("Nội dung", "Text"),
    # -- the web desk ----------------------------------------------------------------------------------------
    "help.web": (
        "Trang tra cứu trên trình duyệt: tìm văn bản, tình hình, báo cáo, danh bạ; cơ quan đọc văn bản đến.",
        "The web desk: search, status, reports and registry in a browser; an agency reads what has come to it.",
    ),
    "help.web.as": ("Chỉ thấy những gì của cơ quan này.", "Show only what is this agency's."),
    "help.web.listen": ("Địa chỉ host:port; mặc định theo [web] listen.", "host:port; by default [web] listen."),
    "help.web.host": (
        "Tên hoặc địa chỉ mà trình duyệt dùng để gọi, name:port; có thể lặp lại.",
        "What browsers call it, name:port; may be repeated.",
    ),
    "web.started": (
        "Mở {url} (dùng một lần, trong 15 phút). Lần sau: nhập mã trong {file} tại {base}. Dừng bằng Ctrl+C.",
        "Open {url} (good once, for 15 minutes). After that: the token in {file}, at {base}. Stop with Ctrl+C.",
    ),
    "web.certificates_only": (
        "Máy khác vào bằng chứng thư do {ca} cấp.",
        "Others come in with certificates that {ca} has issued.",
    ),
    "web.not_here": ("thư mục này không có cơ quan {code}", "this home has no agency {code}"),
    "web.name": ("Trang tra cứu của trục", "The axis' web desk"),
    "web.skip": ("Đến nội dung", "To the content"),
    "web.pages": ("Các trang", "Pages"),
    "web.language": ("Ngôn ngữ", "Language"),
    "web.as_of": ("Lúc {at}", "As of {at}"),
    "web.viewer.operator": ("quản trị, thấy tất cả", "an administrator, who sees all"),
    "web.viewer.agency": ("của {code}", "of {code}"),
    "web.reads": ("chỉ đọc, không thay đổi gì", "only reads and changes nothing"),
    "web.out": ("Ra", "Sign out"),
    "web.export": ("Tải về:", "Download:"),
    "web.any": ("bất kỳ", "any"),
    "web.page.search": ("Tìm", "Search"),
    "web.page.inbox": ("Văn bản đến", "Inbox"),
    "web.page.documents": ("Văn bản", "Documents"),
    "web.page.status": ("Tình hình", "Status"),
    "web.page.refusals": ("Vướng mắc", "Refusals"),
    "web.page.reports": ("Báo cáo", "Reports"),
    "web.page.registry": ("Danh bạ", "Registry"),
    "web.search.head": ("Văn bản đang ở đâu?", "Where is a document?"),
    "web.search.what": ("Số, ký hiệu, mã hoặc từ trong trích yếu", "Number, id, or words of the subject"),
    "web.search.go": ("Tìm", "Search"),
    "web.search.how": (
        "Ví dụ 1234/VPCP-KSTT. Không cần gõ dấu hay viết hoa.",
        "For example 1234/VPCP-KSTT. Accents and capital letters do not matter.",
    ),
    "web.search.more": (
        "Còn nữa; thêm từ, bên gửi hoặc ngày.",
        "There are more; add words, the sender or the day.",
    ),
    "web.search.none": ("Không có văn bản nào như «{reference}».", "There is no document like '{reference}'."),
    "web.search.none.next": (
        "Kiểm tra số, ký hiệu; thử vài từ của trích yếu; hoặc hỏi bên gửi xem trục đã nhận (A.1) chưa.",
        "Check the number; try some words of the subject; or ask the sender whether the hub has accepted it (A.1).",
    ),
    "web.filter.words": ("Từ trong trích yếu", "Words of the subject"),
    "web.filter.words.sent": ("Từ trong trích yếu (đã gửi)", "Words of the subject (sent)"),
    "web.filter.from": ("Bên gửi (mã)", "Sender (code)"),
    "web.filter.to": ("Nơi nhận (mã)", "Recipient (code)"),
    "web.filter.date": ("Ngày, tháng, quý, năm", "Day, month, quarter, year"),
    "web.filter.way": ("Chiều", "Direction"),
    "web.filter.limit": ("Mỗi trang", "A page has"),
    "web.filter.go": ("Lọc", "Filter"),
    "web.way.sent": ("đã gửi", "sent"),
    "web.way.received": ("đến", "received"),
    "web.kind.document": ("văn bản", "documents"),
    "web.kind.mail": ("văn bản, cập nhật, thu hồi", "documents, updates, recalls"),
    "web.kind.all": ("tất cả", "everything"),
    "web.state.trouble": ("có vấn đề", "trouble"),
    "web.state.waiting": ("đang chờ", "waiting"),
    "web.state.good": ("ổn", "all is well"),
    "web.list.next": ("Trang sau", "Next page"),
    "web.list.first": ("Về trang đầu", "First page"),
    "web.list.short": (
        "Mỗi trang chỉ tìm trong một phần văn bản; phần cũ hơn:",
        "A page looks through a part of the documents only; the older ones:",
    ),
    "web.list.none.next": ("Bỏ bớt một điều kiện lọc rồi thử lại.", "Take one filter out and try again."),
    "web.why": ("Đang ở đâu, vì sao, ai phải làm gì", "Where it is, why, and who has to do what"),
    "web.why.nobody": ("Chưa có nơi nhận nào.", "It has no recipient yet."),
    "web.trouble": ("Có vấn đề", "Trouble"),
    "web.trouble.head": ("Không thực hiện được", "That did not work"),
    "web.read": ("Đọc văn bản và tệp đính kèm", "Read the document and its attachments"),
    "web.board": ("Bảng theo dõi nơi nhận", "Board of its recipients"),
    "web.to_document": ("Về trang của văn bản", "The document's page"),
    "web.changes": ("Thu hồi, cập nhật, thay thế", "Recalls, updates, replacements"),
    "web.events": ("Diễn biến", "Time-line"),
    "web.events.left": (
        "{count} sự kiện cũ hơn không hiện ở đây: axis trace.",
        "{count} earlier events are not shown here: axis trace.",
    ),
    "web.status.trouble": ("{count} việc cần xem.", "{count} things to look at."),
    "web.status.good": ("Không có việc nào cần xem.", "There is nothing to look at."),
    "web.status.causes": ("Đang chờ, theo cơ quan và lý do", "What waits, by agency and cause"),
    "web.status.agencies": ("Các cơ quan", "Agencies"),
    "web.agency": ("Cơ quan", "Agency"),
    "web.verdict": ("Mức", "Verdict"),
    "web.verdict.bad": ("phải làm ngay", "act at once"),
    "web.verdict.warn": ("cần xem", "look at it"),
    "web.verdict.good": ("ổn", "all is well"),
    "web.count": ("Số lượng", "Count"),
    "web.oldest": ("Lâu nhất", "Oldest"),
    "web.actor": ("Ai phải làm", "Who has to act"),
    "web.report.period": ("Kỳ", "Period"),
    "web.report.span": ("hoặc kỳ này", "or the running"),
    "web.report.by": ("Theo", "By"),
    "web.report.go": ("Xem", "Show"),
    "web.report.counting": ("Báo cáo đang được tính.", "The report is being counted."),
    "web.counting": ("Đang tính.", "It is being counted."),
    "web.report.again": ("Xem lại", "Look again"),
    "web.span.day": ("ngày", "day"),
    "web.span.week": ("tuần", "week"),
    "web.span.month": ("tháng", "month"),
    "web.span.quarter": ("quý", "quarter"),
    "web.span.year": ("năm", "year"),
    "web.registry.version": ("Phiên bản {version}.", "Version {version}."),
    "web.registry.words": ("Mã hoặc từ trong tên", "Code, or words of the name"),
    "web.registry.count": ("{count} cơ quan", "{count} agencies"),
    "web.registry.ends": ("Chứng thư ký hết hiệu lực", "Signing certificate ends"),
    "web.registry.left": ("còn {count} ngày", "{count} days left"),
    "web.certificates": ("Chứng thư", "Certificates"),
    "web.refusals.by_recipients": ("Văn bản bị nơi nhận từ chối", "Documents that recipients have refused"),
    "web.refusals.none": ("Không có gì chờ xử lý.", "Nothing waits for anybody."),
    "web.refusals.full": ("Còn nữa: axis queue list.", "There are more: axis queue list."),
    "web.refusals.letters": (
        "Thư chết ở broker: axis queue list.",
        "Dead letters at the broker: axis queue list.",
    ),
    "web.letter.date": ("Ngày ban hành", "Issued"),
    "web.letter.came": ("Đến lúc", "Came"),
    "web.letter.see": ("Đọc", "Read it"),
    "web.letter.answer": (
        "Văn thư trả lời: đồng ý (15) hoặc từ chối (16).",
        "The clerk answers: agrees (15) or refuses (16).",
    ),
    "web.letter.signed": ("Chữ ký", "Signature"),
    "web.letter.verified": ("{signer} ký lúc {at}; đã kiểm tra", "signed by {signer} at {at}; verified"),
    "web.letter.files": ("Tệp đính kèm", "Attachments"),
    "web.letter.no_files": ("Không có tệp đính kèm.", "There are no attachments."),
    "web.letter.bytes": ("{count} byte", "{count} bytes"),
    "web.letter.care": (
        "Tệp là của bên gửi; hãy quét vi-rút trước khi mở.",
        "The files are the sender's; scan them for viruses before you open them.",
    ),
    "web.login": ("Vào trang tra cứu", "Come in"),
    "web.login.token": ("Mã vào", "Token"),
    "web.login.go": ("Vào", "Come in"),
    "web.login.how": (
        "Mã nằm trong tệp mà lệnh axis web đã nêu; chỉ người chạy lệnh đọc được.",
        "The token is in the file that axis web has named; only who runs it can read that.",
    ),
    "web.login.failed": (
        "Mã không đúng, hoặc địa chỉ đã được dùng hay đã quá 15 phút.",
        "The token is wrong, or the address was used before or is older than 15 minutes.",
    ),
    "web.login.certificate": (
        "Chứng thư này không được vào: nó không của cơ quan nào đang hoạt động ở đây. Hãy hỏi quản trị trục.",
        "This certificate does not bring in: it is not of an agency that is active here. Ask an administrator.",
    ),
    "web.nowhere": ("Không có trang này", "There is no such page"),
    "web.nowhere.next": (
        "Kiểm tra địa chỉ, hoặc tìm văn bản theo số, ký hiệu.",
        "Check the address, or search for the document by its number.",
    ),
    "standing.active": ("hoạt động", "active"),
    "standing.suspended": ("tạm ngừng", "suspended"),
    "standing.closed": ("ngừng hoạt động", "closed"),
}


def language(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Language:
    """``--lang``, else AXIS_LANG, else Vietnamese for a Vietnamese locale, else English."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for number, argument in enumerate(given):
        if argument.startswith("--lang"):
            value = argument.partition("=")[2] or (given[number + 1] if number + 1 < len(given) else "")
            if value in {"vi", "en"}:
                return "vi" if value == "vi" else "en"
    chosen = environment.get("AXIS_LANG") or environment.get("LC_ALL") or environment.get("LANG") or ""
    return "vi" if chosen.startswith("vi") else "en"


def text(key: str, lang: Language, /, **facts: Any) -> str:
    """The text of `key` with `facts` filled in; whole numbers as `lang` writes them."""
    said = {name: _Whole.of(name, value, lang) for name, value in facts.items()}
    sentence = TEXTS[key][0 if lang == "vi" else 1]
    return sentence.format(**(spoken.words(said) if spoken.IN_A_COMMAND in sentence else said))


class _Whole(int):
    """A whole number that is written as its language does it, where nothing else is asked for."""

    lang: Language

    @classmethod
    def of(cls, name: str, value: Any, lang: Language) -> Any:
        """`value`, or what writes it so; years, versions and ports are no amounts."""
        if type(value) is not int or name in _NAMES_OF_THINGS:
            return value
        made = cls(value)
        made.lang = lang
        return made

    def __format__(self, spec: str) -> str:
        if spec == "sh":
            return str(int(self))
        return int.__format__(self, spec) if spec else number(int(self), self.lang)


_NAMES_OF_THINGS = {"year", "wanted", "version", "port", "pid"}


def number(value: int, lang: Language) -> str:
    """A whole number as people write it: ``6.548`` in Vietnamese, ``6,548`` in English."""
    written = f"{value:,}"
    return written.replace(",", ".") if lang == "vi" else written


def percent(ratio: float | None, lang: Language) -> str:
    """A ratio as people write it: ``98,0 %`` in Vietnamese; "" for none. What is not all is never rounded to 100 %."""
    if ratio is None:
        return ""
    written = f"{ratio * 100:.1f}"
    if ratio < 1 and written == "100.0":
        written = "99.9"
    return f"{written.replace('.', ',') if lang == 'vi' else written} %"


def moment(local: str, lang: Language) -> str:
    """A moment of :func:`axis.core.instant.local` as people write it, always with its offset: ``26/11/2026 10:00:00
    +07:00`` in Vietnamese."""
    date, _, rest = local.partition(" ")
    return f"{day(date, lang)} {rest}" if rest else local


def day(iso: str, lang: Language) -> str:
    """A day as people write it: ``25/11/2026`` in Vietnamese, ``2026-11-25`` in English."""
    return "/".join(reversed(iso.split("-"))) if lang == "vi" else iso


def duration(seconds: int | None, lang: Language) -> str:
    """How long something took, as exactly as it matters: ``45 s``, ``12 min``, ``3.2 h``, ``2.1 d``; "" for none."""
    if seconds is None:
        return ""
    for unit, size, shown in (("day", 86_400, 172_800), ("hour", 3600, 7200), ("minute", 60, 120)):
        if seconds >= shown:
            written = f"{seconds / size:.0f}" if unit == "minute" else f"{seconds / size:.1f}"
            return text(f"duration.{unit}", lang, count=written.replace(".", ",") if lang == "vi" else written)
    return text("duration.second", lang, count=seconds)


def event_text(event: str, lang: Language) -> str:
    """An event's words; its tag where there are none."""
    return text(f"event.{event}", lang) if f"event.{event}" in TEXTS else event
