"""Facts of errors as a person says them: sizes in MB, elements by their Vietnamese names, libxml2's sentences.

What a machine reads (``got``, ``expected``, ``path``) stays as it is.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_A_COMMAND = ":sh}"  # ends a placeholder of what is put into a command: as a shell is to read it
_MOMENT = re.compile(r"^(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d)")  # of Việt Nam's zone, as :mod:`axis.core.instant` writes it
_BYTES = re.compile(r"(\d{4,})(?: B)?")
_IN_BYTES = {"XML_TOO_BIG", "ATT_TOO_BIG", "PARCEL_LIMIT"}
_ELEMENTS = {"PACKET_MISSING", "PACKET_ASSUMED"}
_REPEATED = "PACKET_REPEATED"
# What a packet's facts say in English of the program's own, by their codes.
_OF_PACKETS = {"PACKET_ATTACHMENTS", "PACKET_VALUE", "PACKET_SIGNATURE", "PACKET_NOT_CANONICAL", "ATT_ARCHIVE"}
_PHRASES = tuple(
    (re.compile(f"^{said}", re.DOTALL), in_vietnamese)
    for said, in_vietnamese in (
        (r"'(.*)' is empty", "tệp «{0}» rỗng"),
        (r"a status packet has no attachments", "gói trạng thái không có tệp đính kèm"),
        (r"attachment id '(.*)' is empty or repeated", "mã tệp đính kèm «{0}» trống hoặc lặp lại"),
        (r"reference id '(.*)' is empty or repeated", "mã «{0}» trong danh mục trống hoặc lặp lại"),
        (r"no attachment for '(.*)'", "mục «{0}» không có tệp đính kèm"),
        (r"no reference for '(.*)'", "tệp «{0}» không có trong danh mục"),
        (r"'([^']*)' in the manifest is '([^']*)' in the attachment", "danh mục ghi «{0}», tệp đính kèm ghi «{1}»"),
        (r"intact, certificate not checked", "nguyên vẹn, chưa kiểm tra chứng thư"),
        (r"broken", "không đúng"),
        (r"form not supported", "dạng không được hỗ trợ"),
        (r"not an xmldsig signature", "không phải chữ ký XML"),
        (r"(\d+) references, (\d+) files", "danh mục có {0} mục, gói có {1} tệp"),
        (r"no control characters", "không có ký tự điều khiển"),
        (r"byte (\d+)", "byte thứ {0}"),
        (r"(\d+) entries, directory of (\d+) bytes", "tệp nén có {0} mục, danh mục dài {1} byte"),
        (r"(\d+) entries, first (.*)", "tệp nén có {0} mục, đầu tiên là {1}"),
        (r"more than (\d+) bytes inside", "bên trong hơn {0} byte"),
        (r"File is not a zip file", "không phải tệp zip"),
        (r"Bad CRC-32 for file (.*)", "nội dung {0} bị hỏng (CRC-32)"),
    )
)
NAMES = {
    "Subject": "trích yếu",
    "To": "nơi nhận",
    "From": "nơi gửi",
    "Code": "số, ký hiệu",
    "CodeNumber": "số văn bản",
    "CodeNotation": "ký hiệu văn bản",
    "DocumentId": "mã văn bản",
    "OrganId": "mã định danh cơ quan",
    "OrganName": "tên cơ quan",
    "PromulgationInfo": "thông tin ban hành",
    "PromulgationDate": "ngày ban hành",
    "Place": "nơi ban hành",
    "DocumentType": "loại văn bản",
    "Type": "mã loại văn bản",
    "TypeName": "tên loại văn bản",
    "SignerInfo": "người ký",
    "FullName": "họ tên người ký",
    "Competence": "thẩm quyền ký",
    "Position": "chức vụ",
    "DueDate": "hạn xử lý",
    "Priority": "mức khẩn",
    "StatusCode": "mã trạng thái",
    "Description": "nội dung trạng thái",
    "Timestamp": "thời điểm",
    "BussinessDocType": "loại nghiệp vụ",
    "BussinessDocReason": "lý do nghiệp vụ",
    "ResponseFor": "văn bản được trả lời",
    "StaffInfo": "người xử lý",
    "AttachmentName": "tên tệp đính kèm",
    "ContentType": "kiểu tệp",
}
# What libxml2 says in English, by how it begins; a number is the place of a word of its sentence.
_LIBXML2 = (
    ("Opening and ending tag mismatch:", "thẻ mở <{5}> (dòng {7}) được đóng bằng </{9}>"),
    ("Start tag expected", "không bắt đầu bằng thẻ XML"),
    ("Document is empty", "tệp rỗng"),
    ("Premature end of data in tag", "tệp bị cắt cụt trong thẻ <{6}> (dòng {8})"),
    ("Couldn't find end of Start Tag", "thẻ <{6}> thiếu dấu >"),
    ("EndTag: '</' not found", "thiếu thẻ đóng"),
    ("Extra content at the end of the document", "còn nội dung sau thẻ cuối cùng"),
    ("xmlParseEntityRef: no name", "dấu & phải viết là &amp;"),
    ("EntityRef: expecting ';'", "dấu & phải viết là &amp;"),
    ("Entity ", "thực thể &{1}; không có nghĩa"),
    ("Attribute ", "thuộc tính {1} lặp lại"),
    ("attributes construct error", "thuộc tính viết sai"),
    ("AttValue: ", "giá trị thuộc tính phải đặt trong ngoặc kép"),
    ("Specification mandate", "thuộc tính {5} thiếu giá trị"),
    ("Unescaped '<' not allowed", "dấu < trong thuộc tính phải viết là &lt;"),
    ("Namespace prefix ", "tiền tố {2} chưa khai báo"),
    ("PCDATA invalid Char", "có ký tự không được phép trong XML"),
    ("CharRef: invalid", "có ký tự không được phép trong XML"),
    ("xmlParseCharRef: invalid", "có ký tự không được phép trong XML"),
    ("Char 0x", "có ký tự không được phép trong XML"),
    ("Invalid char", "có ký tự không được phép trong XML"),
    ("invalid character", "có ký tự không được phép trong XML"),
    ("StartTag: invalid element name", "tên thẻ không hợp lệ, hoặc dấu < phải viết là &lt;"),
    ("Sequence ']]>' not allowed", "chuỗi ]]> không được phép trong nội dung"),
    ("Comment not terminated", "chú thích không có kết thúc"),
    ("Comment must not contain", "chú thích có hai dấu gạch liền nhau"),
    ("CData section not finished", "đoạn CDATA không có kết thúc"),
    ("xmlns:", "khai báo không gian tên sai"),
    ("expected '>'", "thẻ đóng thiếu dấu >"),
    ("Blank needed here", "khai báo XML viết sai"),
    ("Malformed declaration", "khai báo XML viết sai"),
    ("parsing XML declaration", "khai báo XML viết sai"),
    ("XML declaration allowed only", "khai báo XML phải ở đầu tệp"),
    ("ValueError", "không đọc được"),
    ("MemoryError", "không đọc được"),
    ("RecursionError", "không đọc được"),
)


class Word(str):
    """A fact that may stand in a command which somebody types: with the format ``sh`` as a shell has to read it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return shlex.quote(str(self)) if spec == "sh" else str.__format__(self, spec)


def words(facts: Mapping[str, object]) -> dict[str, object]:
    """These facts, each fit for a command."""
    return {name: one if isinstance(one, int) else Word(one) for name, one in facts.items()}


def facts(code: str, said: Mapping[str, str], *, vietnamese: bool) -> dict[str, str]:
    """The facts of a sentence of the fault `code`, as people read them."""
    found = {name: str(value) for name, value in said.items()}
    if code in _IN_BYTES:
        found = {
            name: value if name == "path" else _sizes(value, vietnamese=vietnamese) for name, value in found.items()
        }
    if not vietnamese:
        return found
    found = {name: _MOMENT.sub(r"\3/\2/\1 \4", value) for name, value in found.items()}
    if code in _ELEMENTS and found.get("expected") in NAMES:
        found["expected"] = f"{NAMES[found['expected']]} ({found['expected']})"
    elif code == _REPEATED and found.get("got") in NAMES:
        named = NAMES[found["got"]]
        found["got"] = f"{named[0].upper()}{named[1:]} ({found['got']})"
    elif code == "XML_SYNTAX":
        found["got"] = _libxml2(found.get("got", "?"))
    if code in _OF_PACKETS:
        found |= {name: _phrase(value) for name, value in found.items() if name != "path"}
    return found


def _phrase(value: str) -> str:
    for pattern, said in _PHRASES:
        if found := pattern.fullmatch(value):
            return said.format(*found.groups())
    return value


def size(count: int, *, vietnamese: bool) -> str:
    """Bytes as people say them: ``66,8 MB``."""
    for unit, one in (("MB", 1024 * 1024), ("KB", 1024)):
        if count >= one:
            written = f"{count / one:.1f}".removesuffix(".0")
            return f"{written.replace('.', ',') if vietnamese else written} {unit}"
    return f"{count} byte{'' if vietnamese or count == 1 else 's'}"


def _sizes(value: str, *, vietnamese: bool) -> str:
    return size(int(found[1]), vietnamese=vietnamese) if (found := _BYTES.fullmatch(value)) else value


def _libxml2(sentence: str) -> str:
    words = [word.strip(",;'") for word in sentence.split()]
    for begins, said in _LIBXML2:
        if sentence.startswith(begins):
            return said.format(*words, *("?",) * 10)
    return sentence
