"""The one catalogue of errors: code, sentence (vi, en), who acts. What is raised with them: axis/errors.py."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from axis import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["vi", "en"]


class Actor(Enum):
    """Who has to act on an error."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    OPERATOR = "operator"
    DEVELOPER = "developer"


SENDER, RECIPIENT, OPERATOR, DEVELOPER = Actor.SENDER, Actor.RECIPIENT, Actor.OPERATOR, Actor.DEVELOPER


class Fault(Enum):
    """Every error the axis can name. Value: (who acts, Vietnamese sentence, English sentence).

    Sentences hold facts in braces; a missing fact prints as "?". Codes are stable: clients may rely on them.
    """

    # -- XML: the bytes ------------------------------------------------------------------------------
    XML_TOO_BIG = (
        SENDER,
        "Tệp quá lớn: {got}, tối đa {expected}.",
        "Too big: {got}, at most {expected}.",
    )
    XML_NONE = (
        SENDER,
        "Đây không phải gói edXML (có vẻ là {got}).",
        "This is no edXML packet (it looks like {got}).",
    )
    XML_BOM = (SENDER, "Tệp phải là UTF-8 không có BOM.", "The file must be UTF-8 without a byte order mark.")
    XML_DECL = (SENDER, "Khai báo XML không hợp lệ: {got}.", "XML declaration not allowed: {got}.")
    XML_NOT_UTF8 = (SENDER, "Nội dung không phải UTF-8 (byte thứ {got}).", "Not UTF-8 (at byte {got}).")
    XML_DTD = (SENDER, "Không được dùng DOCTYPE.", "A DOCTYPE is not allowed.")
    XML_PI = (
        SENDER,
        "Không được dùng chỉ thị xử lý (processing instruction).",
        "A processing instruction is not allowed.",
    )
    XML_XINCLUDE = (SENDER, "Không được dùng XInclude.", "XInclude is not allowed.")
    XML_SYNTAX = (SENDER, "XML sai cú pháp: {got}.", "Not well-formed XML: {got}.")
    XML_DEPTH = (
        SENDER,
        "XML lồng quá sâu: {got} cấp, tối đa {expected}.",
        "Nested too deep: {got} levels, at most {expected}.",
    )
    XML_ATTRS = (
        SENDER,
        "Quá nhiều thuộc tính: {got}, tối đa {expected}.",
        "Too many attributes: {got}, at most {expected}.",
    )
    XML_ELEMENTS = (
        SENDER,
        "Quá nhiều phần tử: {got}, tối đa {expected}.",
        "Too many elements: {got}, at most {expected}.",
    )
    XML_NS_RELATIVE = (
        SENDER,
        "URI không gian tên không hợp lệ: «{got}».",
        "Namespace URI not allowed: '{got}'.",
    )
    XML_ROOT = (
        SENDER,
        "Phần tử gốc là {got}, phải là {expected}.",
        "Root element is {got}, expected {expected}.",
    )
    XSD_INVALID = (SENDER, "Không đúng lược đồ: {got}.", "Does not match the schema: {got}.")
    # -- Packet: what an agency wrote ----------------------------------------------------------------
    PACKET_KIND = (SENDER, "Không nhận ra loại gói tin.", "Cannot tell what kind of packet this is.")
    FILE_ENDING = (
        SENDER,
        "Tệp «{got}» không được gửi: thư mục gửi chỉ nhận tệp có đuôi {expected}.",
        "'{got}' is not sent: only files ending in {expected} are taken from the outbox.",
    )
    PACKET_MISSING = (SENDER, "Thiếu {expected}.", "{expected} is missing.")
    PACKET_TOO_LONG = (
        SENDER,
        "Dài {got} ký tự, tối đa {expected}.",
        "{got} characters long, at most {expected}.",
    )
    PACKET_VALUE = (
        SENDER,
        "Giá trị «{got}» không hợp lệ, cần {expected}.",
        "Value '{got}' is not valid, expected {expected}.",
    )
    PACKET_DATE = (
        SENDER,
        "Ngày giờ «{got}» không hợp lệ, cần {expected}.",
        "Date or time '{got}' is not valid, expected {expected}.",
    )
    PACKET_FUTURE = (SENDER, "Ngày ban hành {got} ở tương lai.", "The issue date {got} is in the future.")
    PACKET_REPEATED = (SENDER, "{got} xuất hiện nhiều lần.", "{got} is repeated.")
    PACKET_TOO_MANY = (
        SENDER,
        "Quá nhiều {got} ở một chỗ, tối đa {expected}.",
        "Too many of {got} in one place, at most {expected}.",
    )
    MORE_FINDINGS = (
        SENDER,
        "Còn {got} lỗi và cảnh báo khác, không liệt kê ở đây.",
        "{got} more errors and warnings, not listed here.",
    )
    PACKET_UNKNOWN = (
        SENDER,
        "Phần tử {got} không có trong quy chuẩn; được giữ nguyên.",
        "Element {got} is not in the standard; it is kept.",
    )
    PACKET_DROPPED = (
        SENDER,
        "{got} không có ý nghĩa ở đây và không được giữ lại.",
        "{got} means nothing here and was not kept.",
    )
    PACKET_ORGAN = (
        SENDER,
        "Mã định danh «{got}» sai dạng; ví dụ đúng: G22, H29.10.05.",
        "'{got}' is not an agency code; good ones: G22, H29.10.05.",
    )
    PACKET_SECRET = (
        SENDER,
        "Văn bản mật không được gửi qua trục: «{got}».",
        "Classified documents must not travel on the axis: '{got}'.",
    )
    PACKET_ATTACHMENTS = (
        SENDER,
        "Danh mục và tệp đính kèm không khớp: {got}.",
        "Manifest and attachments do not match: {got}.",
    )
    PACKET_SIGNATURE = (SENDER, "Chữ ký XML trong gói: {got}.", "The packet's own XML signature: {got}.")
    PACKET_DERIVED_ID = (
        SENDER,
        "Không có DocumentId; dùng «{got}» suy từ cơ quan, ngày, số ký hiệu.",
        "No DocumentId; '{got}' derived from agency, date and number.",
    )
    PACKET_ASSUMED = (
        SENDER,
        "Thiếu {expected}; được hiểu là «{got}».",
        "{expected} is missing; taken to be '{got}'.",
    )
    PACKET_APPLICATION = (
        SENDER,
        "Gói hồ sơ (MCDT_DT) ghi {path} theo cách riêng; được chuyển thành «{got}».",
        "The application (MCDT_DT) writes {path} in its own way; it becomes '{got}'.",
    )
    PACKET_NOT_CANONICAL = (
        SENDER,
        "Tài liệu trong gói đã ký không ở dạng chuẩn: {got}.",
        "The document in the parcel is not in canonical form: {got}.",
    )
    ATT_NAME = (SENDER, "Tên tệp đính kèm không an toàn: «{got}».", "Unsafe attachment name: '{got}'.")
    ATT_BASE64 = (
        SENDER,
        "Tệp đính kèm {got} không phải base64 hợp lệ.",
        "Attachment {got} is not valid base64.",
    )
    ATT_ARCHIVE = (
        SENDER,
        "Tệp nén đính kèm {got} không an toàn: {expected}.",
        "Zipped attachment {got} is unsafe: {expected}.",
    )
    ATT_TOO_BIG = (
        SENDER,
        "Tệp đính kèm quá lớn: {got}, tối đa {expected}.",
        "Attachment too big: {got}, at most {expected}.",
    )
    # -- Parcel: the container -----------------------------------------------------------------------
    PARCEL_LIMIT = (
        SENDER,
        "Gói đã ký vượt giới hạn: {got}, tối đa {expected}.",
        "Parcel over the limit: {got}, at most {expected}.",
    )
    PARCEL_ZIP = (SENDER, "Khung chứa sai: {got}.", "The container is not as it must be: {got}.")
    PARCEL_TYPE = (SENDER, "Mục mimetype sai.", "The mimetype entry is wrong.")
    PARCEL_COVERAGE = (
        SENDER,
        "Chữ ký không phủ đúng các tệp: {got}.",
        "The signature does not cover exactly the files: {got}.",
    )
    PARCEL_NOT_CANONICAL = (
        SENDER,
        "Gói đã ký khác với dạng duy nhất được phép ở {got}.",
        "The parcel differs from its only allowed encoding in {got}.",
    )
    # -- Signature and keys --------------------------------------------------------------------------
    SIG_COUNT = (
        SENDER,
        "Phải có đúng một chữ ký, thấy {got}.",
        "Exactly one signature expected, found {got}.",
    )
    SIG_SHAPE = (
        SENDER,
        "Chữ ký không đúng khuôn: {got}.",
        "The signature does not have the fixed form: {got}.",
    )
    SIG_REF = (SENDER, "Tham chiếu chữ ký không được phép: {got}.", "Signature reference not allowed: {got}.")
    SIG_DIGEST = (SENDER, "Nội dung {got} đã bị thay đổi sau khi ký.", "{got} was changed after signing.")
    SIG_VALUE = (SENDER, "Giá trị chữ ký sai.", "The signature value is wrong.")
    SIG_ALG = (SENDER, "Thuật toán không được phép: {got}.", "Algorithm not allowed: {got}.")
    SIG_WEAK_KEY = (SENDER, "Khóa quá yếu: {got}.", "Key too weak: {got}.")
    SIG_SIGNER = (
        SENDER,
        "Chứng thư không có trong danh bạ: {got}.",
        "The certificate is not in the registry: {got}.",
    )
    KEY_EXPIRED = (
        SENDER,
        "Chứng thư ngoài thời hạn hiệu lực vào lúc {got}.",
        "The certificate was not valid at {got}.",
    )
    KEY_REVOKED = (SENDER, "Chứng thư đã bị thu hồi lúc {got}.", "The certificate was revoked at {got}.")
    KEY_ROLE = (
        SENDER,
        "Chứng thư không dùng cho việc này: {got}.",
        "The certificate is not for this use: {got}.",
    )
    CLOCK_SKEW = (
        SENDER,
        "Thời điểm ký {got} lệch quá xa so với giờ của trục {expected}.",
        "Signing time {got} is too far from the hub's time {expected}.",
    )
    # -- Admission: rights, recipients, order --------------------------------------------------------
    AUTHZ_MISMATCH = (
        SENDER,
        "Người ký {got} không được gửi thay {expected}.",
        "Signer {got} may not act for {expected}.",
    )
    AGENCY_UNKNOWN = (
        SENDER,
        "Cơ quan «{got}» không có trong danh bạ.",
        "Agency '{got}' is not in the registry.",
    )
    AGENCY_SUSPENDED = (OPERATOR, "Cơ quan {got} đang bị tạm ngừng.", "Agency {got} is suspended.")
    AGENCY_CLOSED = (
        SENDER,
        "Cơ quan {got} đã ngừng hoạt động; cơ quan kế thừa: {expected}.",
        "Agency {got} is closed; successor: {expected}.",
    )
    AGENCY_ENDED = (
        OPERATOR,
        "Cơ quan {got} đã ngừng hoạt động từ {expected} (giờ Việt Nam).",
        "Agency {got} has been closed since {expected} (Viet Nam time).",
    )
    SUCCESSOR_CIRCLE = (
        OPERATOR,
        "Nơi kế thừa {got} lại dẫn về chính cơ quan được kế thừa.",
        "The successor {got} leads back to the agency that it succeeds.",
    )
    ALIAS_TAKEN = (OPERATOR, "Mã «{got}» đã là mã của {expected}.", "The code '{got}' is {expected}'s already.")
    TABLE_INVALID = (
        OPERATOR,
        "Bảng thay đổi không dùng được ở dòng {path}: «{got}»; cần: {expected}.",
        "The table of changes cannot be used at line {path}: '{got}'; wanted: {expected}.",
    )
    AGENCY_OPEN = (
        OPERATOR,
        "Cơ quan {got} chưa ngừng hoạt động, hoặc không có cơ quan kế thừa nhận văn bản thay.",
        "Agency {got} is not closed, or no successor has its mail.",
    )
    DUP_CONFLICT = (
        SENDER,
        "Số, ký hiệu này (DocumentId) đã gửi với nội dung khác: đã nhận {expected}, nay {got}.",
        "This number (DocumentId) was sent with other content: accepted {expected}, now {got}.",
    )
    DOCUMENT_UNKNOWN = (
        SENDER,
        "Trục chưa nhận văn bản «{got}» từ cơ quan này.",
        "The axis has no document '{got}' from this agency.",
    )
    DOCUMENT_RECALLED = (
        SENDER,
        "Văn bản đã được yêu cầu thu hồi ở {got}.",
        "The document was recalled from {got}.",
    )
    RECIPIENT_UNKNOWN = (
        SENDER,
        "Văn bản này chưa được gửi đến {got}.",
        "This document was not sent to {got}.",
    )
    UNITS_TOGETHER = (
        SENDER,
        "{got} và {expected} nhận chung một gói tin; hãy nêu tất cả, hoặc cơ quan của chúng.",
        "{got} and {expected} have the document in one parcel together; name all of them, or their agency.",
    )
    SYSTEM_REFUSED = (
        RECIPIENT,
        "Hệ thống nơi nhận đã {got} lần báo không nhận được: {expected}.",
        "The recipient's system has reported {got} times that it could not take it: {expected}.",
    )
    RECALL_LATE = (
        RECIPIENT,
        "Văn bản đã được bàn giao cho hệ thống nơi nhận (trạng thái {got}); nơi nhận sẽ trả lời 15 hoặc 16.",
        "Handed over to the recipient's system before (status {got}); the recipient answers 15 or 16.",
    )
    RECALL_SHOWN = (
        RECIPIENT,
        "Hệ thống nơi nhận đã thấy văn bản, chưa xác nhận; nơi nhận sẽ trả lời 15 hoặc 16.",
        "The recipient's system has been shown it and has not confirmed; the recipient answers 15 or 16.",
    )
    RECALL_VOID = (
        SENDER,
        "Nơi nhận đã từ chối văn bản này; không có gì để thu hồi.",
        "The recipient had refused this document; there is nothing to take back.",
    )
    CHANGES_TOO_OFTEN = (
        SENDER,
        "Văn bản {got} đã được thu hồi hoặc cập nhật {expected} lần trong một ngày; hãy gửi lại vào hôm sau.",
        "Document {got} was recalled or updated {expected} times in one day; send it again tomorrow.",
    )
    REPORTERS_TOO_MANY = (
        SENDER,
        "Đã có {expected} đơn vị báo trạng thái của văn bản {got}; không nhận thêm đơn vị nào nữa.",
        "{expected} units have reported on document {got}; no more are taken.",
    )
    STATUS_UNKNOWN_DOCUMENT = (
        SENDER,
        "Không có văn bản nào khớp trạng thái này: {got}.",
        "No document matches this status: {got}.",
    )
    STATUS_ILLEGAL = (
        SENDER,
        "Trạng thái {got} không được phép sau {expected}.",
        "Status {got} is not allowed after {expected}.",
    )
    STATUS_NOT_OPEN = (
        SENDER,
        "Không có yêu cầu thu hồi hay cập nhật nào đang chờ trả lời {got}.",
        "No recall or update is open for answer {got}.",
    )
    QUARANTINED = (
        OPERATOR,
        "Thông điệp đã làm lỗi {got} lần và bị cách ly.",
        "The message failed {got} times and was quarantined.",
    )
    DEAD_LETTER = (
        OPERATOR,
        "Broker để riêng thông điệp của hàng đợi {got}: không ai xử lý được.",
        "The broker has put aside a message of queue {got}: nobody could deal with it.",
    )
    NOT_RETURNABLE = (
        OPERATOR,
        "Thư chết {got} không có bên gửi nào để trả lại.",
        "Dead letter {got} has no sender to be returned to.",
    )
    RETRY_FAILED = (
        OPERATOR,
        "Không thử lại được {got}: hàng đợi không nhận, hoặc nội dung không phải thông điệp của trục.",
        "{got} cannot be tried again: its queue takes nothing, or it is no message of the axis.",
    )
    HUB_BROKEN = (
        DEVELOPER,
        "Trục lỗi cả với văn bản đã từng nhận được: {got}. Chưa từ chối văn bản nào; trục chờ và thử lại.",
        "The hub fails even with what it accepted before: {got}. Nothing is refused for it; the hub waits and tries again.",
    )
    RECORD_GAP = (
        OPERATOR,
        "Nói về nội dung mà hồ sơ của trục đã mất khi phục hồi bản sao lưu ({got}); chờ bên gửi gửi lại.",
        "About something that the record lost when a backup was restored ({got}); it waits until that was sent again.",
    )
    UNDELIVERED = (
        OPERATOR,
        "Chưa chuyển được sau {got} lần thử; lỗi cuối: {expected}.",
        "Not delivered so far after {got} attempts; last error: {expected}.",
    )
    RETURNED = (
        SENDER,
        "Người vận hành trả lại: {got}.",
        "Returned by the operator: {got}.",
    )
    OVERDUE = (
        OPERATOR,
        "Chưa bàn giao được trước hạn {expected} (giờ Việt Nam).",
        "Not handed over so far; it was due at {expected} (Viet Nam time).",
    )
    DEADLINE_NEAR = (
        RECIPIENT,
        "Sắp đến hạn {path}: {expected} (giờ Việt Nam).",
        "The deadline for {path} is near: {expected} (Viet Nam time).",
    )
    DEADLINE_MISSED = (
        RECIPIENT,
        "Đã quá hạn {path}: {expected} (giờ Việt Nam).",
        "The deadline for {path} has passed: {expected} (Viet Nam time).",
    )
    DELIVERY_INVALID = (
        RECIPIENT,
        "Nơi nhận kiểm tra không đạt: {got}.",
        "The recipient's adapter found it invalid: {got}.",
    )
    # -- Applications for public services -------------------------------------------------------------
    APPLICATION_MOVE = (
        SENDER,
        "Không chuyển được trạng thái {got}; từ đó chỉ được sang: {expected}.",
        "Status {got} is no legal move; from there only: {expected}.",
    )
    APPLICATION_UNKNOWN = (
        SENDER,
        "Chưa có hồ sơ mang mã này; gửi DongBoHoSoMC trước.",
        "There is no application of this number; send DongBoHoSoMC first.",
    )
    APPLICATION_PARTY = (
        SENDER,
        "{got} không được báo điều này về hồ sơ; chỉ {expected} được báo.",
        "{got} may not say this of the application; only {expected} may.",
    )
    APPLICATION_DUE = (
        SENDER,
        "Ngày hẹn trả không được đổi từ {expected} sang {got}: không phải yêu cầu bổ sung, cũng không có thư xin lỗi đã "
        "ký kèm theo.",
        "The due date may not move from {expected} to {got}: no supplement is asked for, and no signed apology lies "
        "with it.",
    )
    APPLICATION_FIXED = (
        SENDER,
        "{path} của hồ sơ là {expected} và không đổi; đã gửi {got}.",
        "{path} of the application is {expected} and stays; {got} was sent.",
    )
    APPLICATION_CORRECTION = (
        SENDER,
        "Đính chính {got} không khớp: trạng thái hiện tại là {expected}.",
        "The correction {got} does not fit: the present status is {expected}.",
    )
    PAYMENT_REPEATED = (
        SENDER,
        "Mã tra cứu thanh toán «{got}» đã dùng cho yêu cầu khác.",
        "Payment reference '{got}' belongs to another request.",
    )
    PAYMENT_MISMATCH = (
        SENDER,
        "Kết quả thanh toán không khớp yêu cầu ở {path}: {got}, phải là {expected}.",
        "The payment's answer does not fit its request at {path}: {got}, expected {expected}.",
    )
    APPLICATION_FILE = (
        SENDER,
        "Không tải được tệp ở {path}: {got}.",
        "The file at {path} cannot be fetched: {got}.",
    )
    PORTAL_SESSION = (
        SENDER,
        "Phiên làm việc không có hoặc đã hết hạn; hãy đăng nhập lại.",
        "There is no such session, or it is over; log in again.",
    )
    PORTAL_SERVICE = (
        SENDER,
        "Không có dịch vụ «{got}»; các dịch vụ: {expected}.",
        "There is no service '{got}'; there are: {expected}.",
    )
    POSTAL_WAYBILL = (
        SENDER,
        "Trạng thái bưu chính {got} cần mã vận đơn do bưu điện trả lời.",
        "Postal status {got} needs the waybill that the post has answered with.",
    )
    POSTAL_REPEATED = (
        SENDER,
        "Số đơn bưu chính «{got}» thuộc đơn khác, hoặc mã vận đơn đã đổi.",
        "Postal order '{got}' belongs to another one, or its waybill has changed.",
    )
    # -- Receipts and registry -----------------------------------------------------------------------
    RECEIPT_INVALID = (OPERATOR, "Biên nhận không hợp lệ: {got}.", "Receipt not valid: {got}.")
    API_UNAUTHORIZED = (
        SENDER,
        "Cần mã truy cập hợp lệ của cơ quan (Authorization: Bearer …).",
        "A valid token of an agency is needed (Authorization: Bearer …).",
    )
    API_VALUE = (
        SENDER,
        "Giá trị «{got}» không hợp lệ; cần: {expected}.",
        "Value '{got}' is not allowed; wanted: {expected}.",
    )
    API_KEY_REUSED = (
        SENDER,
        "Idempotency-Key «{got}» đã dùng cho một gói tin khác.",
        "Idempotency-Key '{got}' was used for another packet.",
    )
    DELIVERY_OVER = (
        RECIPIENT,
        "Đã kết thúc ở trạng thái «{got}»; không nhận «{expected}» nữa.",
        "This is over, as '{got}'; '{expected}' is not taken any more.",
    )
    CONFORMANCE_INVALID = (
        OPERATOR,
        "Báo cáo kiểm thử adapter không được chấp nhận: {got}.",
        "The conformance report is not accepted: {got}.",
    )
    REQUEST_INVALID = (
        SENDER,
        "Yêu cầu cấp chứng thư không hợp lệ: {got}.",
        "The request for a certificate is not valid: {got}.",
    )
    ENROLMENT_INVALID = (
        OPERATOR,
        "Tệp kết nạp không hợp lệ: {got}.",
        "The enrolment file is not valid: {got}.",
    )
    FINGERPRINT_DIFFERS = (
        OPERATOR,
        "Dấu vân tay được đọc cho không phải của tệp này; của tệp này là {got}.",
        "The fingerprint that was told is not this file's, which is {got}.",
    )
    KEY_HEIR = (
        OPERATOR,
        "Khóa mới không được khóa trước hay đủ người đăng ký giới thiệu: {got}.",
        "No key before it and not enough registrars have introduced the new key: {got}.",
    )
    ASIDE_FULL = (
        OPERATOR,
        "{expected}: thông điệp ký bằng khóa của trung tâm mà cơ quan chưa biết đã giữ đến giới hạn ({got}); thông điệp này "
        "vào hàng thư chết.",
        "{expected}: as much as there is room for waits for the registry that names the hub's key by which it is signed "
        "({got}); this message goes to the dead letters.",
    )
    ACT_WAITS = (
        OPERATOR,
        "Quyết định {path} còn thiếu {expected} chữ ký (đã ký: {got}); chưa thay đổi gì.",
        "Signatures that the act {path} still lacks: {expected} (signed by: {got}); nothing is changed yet.",
    )
    ACT_OLD = (
        OPERATOR,
        "Quyết định lập theo danh bạ phiên bản {got}; danh bạ nay là phiên bản {expected}, nội dung đã khác.",
        "The act follows registry version {got}; the registry is version {expected} now, and says something else.",
    )
    ACT_INVALID = (OPERATOR, "Quyết định không hợp lệ: {got}.", "The act is not valid: {got}.")
    ACT_UNSIGNED = (
        OPERATOR,
        "Danh bạ có thay đổi mà cán bộ không ký đủ, hoặc quyết định không đúng loại: {got}.",
        "The registry has a change that officers have not signed, or the act is of another kind: {got}.",
    )
    ACT_OFFICERS = (
        OPERATOR,
        "Danh sách cán bộ như vậy không đủ người ký mọi loại quyết định.",
        "With that list of officers some act could be signed by nobody, or by too few.",
    )
    OFFICER_UNKNOWN = (
        OPERATOR,
        "Không có đúng một cán bộ tên «{got}»; danh bạ có: {expected}.",
        "There is not exactly one officer '{got}'; the registry lists: {expected}.",
    )
    CERTIFICATE_UNKNOWN = (
        OPERATOR,
        "{path} không có đúng một chứng thư «{got}».",
        "{path} has not exactly one certificate '{got}'.",
    )
    RECOVERY_PAPER = (
        OPERATOR,
        "Chữ trên phiếu khôi phục không đúng: {got}.",
        "What was typed is not what stands on the recovery paper: {got}.",
    )
    RECOVERY_NONE = (
        OPERATOR,
        "Danh bạ không có khóa khôi phục của trục.",
        "The registry has no recovery key of the hub.",
    )
    CERTIFICATE_ENDED = (
        OPERATOR,
        "Đồng hồ chỉ {got}, chứng thư của trục có hiệu lực đến {expected}: không ai tin những gì ký lúc này, nên trục không "
        "tiếp nhận gì.",
        "The clock says {got}, the hub's certificate is valid until {expected}: nobody would believe what is signed now, so "
        "the hub accepts nothing.",
    )
    KEY_CLAIMED = (
        OPERATOR,
        "{path}: người đăng ký giới thiệu một khóa mới của cơ quan này ({got}) mà khóa đang dùng không ký.",
        "{path}: registrars introduce a new key of this agency ({got}) that the key in use has not signed.",
    )
    KEY_ELSEWHERE = (
        OPERATOR,
        "Khóa của {got} do chính cơ quan đó giữ; trung tâm không tạo được khóa cho họ.",
        "The key of {got} is with that agency alone; the centre cannot make one for it.",
    )
    REGISTRY_INVALID = (OPERATOR, "Danh bạ không hợp lệ: {got}.", "Registry not valid: {got}.")
    REGISTRY_OLD = (
        OPERATOR,
        "Danh bạ phiên bản {got} cũ hơn bản đang dùng {expected}.",
        "Registry version {got} is older than the one in use, {expected}.",
    )
    # -- Document types: what a type is, and what it says of a document ---------------------------------
    TYPE_MANIFEST = (
        OPERATOR,
        "Bản khai loại nghiệp vụ sai: «{got}», cần {expected}.",
        "The type's manifest is wrong: '{got}', expected {expected}.",
    )
    TYPE_SCHEMA = (
        OPERATOR,
        "Lược đồ không dùng được: «{got}», được phép: {expected}.",
        "The schema cannot be used: '{got}'; allowed is {expected}.",
    )
    TYPE_LIMIT = (
        OPERATOR,
        "Vượt giới hạn của loại nghiệp vụ: {got}, tối đa {expected}.",
        "Beyond what a document type may be: {got}, at most {expected}.",
    )
    TYPE_EXAMPLE = (
        OPERATOR,
        "Ví dụ không như tên của nó: tìm thấy {got}, cần {expected}.",
        "The example is not what its name says: found {got}, expected {expected}.",
    )
    TYPE_EXISTS = (
        OPERATOR,
        "Đã có {got} với nội dung khác; sửa gì cũng phải là phiên bản mới, ví dụ {expected}.",
        "There is {got} with another content; what changes is a new version, such as {expected}.",
    )
    TYPE_SET = (OPERATOR, "Bộ loại nghiệp vụ không hợp lệ: {got}.", "The set of document types is not valid: {got}.")
    TYPE_UNKNOWN = (
        SENDER,
        "Trục không biết loại nghiệp vụ «{got}» và không nhận loại lạ.",
        "There is no document type '{got}' here, and what has an unknown one is not taken.",
    )
    TYPE_PARTY = (
        SENDER,
        "{got} không được gửi hoặc nhận loại này; được phép: {expected}.",
        "{got} may not send or receive this type; allowed are {expected}.",
    )
    TYPE_ATTACHMENT = (
        SENDER,
        "Loại này cần {expected} tệp đính kèm có tên như vậy, gói có {got}.",
        "This type needs {expected} attachments of such a name; the packet has {got}.",
    )
    TYPE_UNREADABLE = (
        SENDER,
        "Không đọc được tệp đính kèm này: cần {expected} ({got}).",
        "This attachment cannot be read: expected {expected} ({got}).",
    )
    TYPE_CONTENT = (
        SENDER,
        "Nội dung không đạt «{got}» của lược đồ ({expected}).",
        "The content does not meet '{got}' of the schema ({expected}).",
    )
    TYPE_STATE = (
        SENDER,
        "Trạng thái này không có trong loại {got}; các trạng thái: {expected}.",
        "This state is none of type {got}; its states: {expected}.",
    )
    TYPE_MOVE = (
        SENDER,
        "Không được chuyển trạng thái {got}; được chuyển sang: {expected}.",
        "The move {got} is not legal; legal moves lead to {expected}.",
    )
    TYPE_BEFORE = (
        SENDER,
        "Văn bản đính chính trạng thái {got}, nhưng trạng thái hiện nay là {expected}.",
        "The state {got} is corrected, but {expected} is the state as it stands.",
    )
    # -- Transport and storage -----------------------------------------------------------------------
    BROKER_DOWN = (OPERATOR, "Không kết nối được broker: {got}.", "The broker cannot be reached: {got}.")
    BROKER_NO_QUEUE = (OPERATOR, "Không có hàng đợi {got}.", "There is no queue {got}.")
    BROKER_CONFIG = (OPERATOR, "Broker cấu hình sai: {got}.", "The broker is not set up as needed: {got}.")
    BROKER_FULL = (
        OPERATOR,
        "Broker không nhận thêm thông điệp: {got}. Hãy giải phóng đĩa hoặc bộ nhớ ở máy chạy broker; chưa mất gì.",
        "The broker takes no more messages: {got}. Free disk or memory at the broker's machine; nothing is lost.",
    )
    BROKER_IN_USE = (
        OPERATOR,
        "Hàng đợi {path} còn {got} tiến trình đang đọc; dừng mọi hub (và adapter dùng chung tài khoản) rồi chạy lại.",
        "Queue {path} is still read by {got}; stop every hub (and adapters that share a user), then run this again.",
    )
    BROKER_OTHER_QUEUE = (
        OPERATOR,
        "Ở broker, hàng đợi {got} có tham số khác ({expected}). Dừng mọi hub, chạy 'axis broker setup --remake'.",
        "At the broker, queue {got} has other arguments ({expected}). Stop every hub, run 'axis broker setup --remake'.",
    )
    ADAPTER_TWICE = (
        OPERATOR,
        "Một adapter khác của {got} đang chạy với broker này, có thể từ một bản sao của thư mục dữ liệu. Tắt một trong hai; "
        "'axis broker check' cho biết chúng ở máy nào.",
        "Another adapter of {got} works with this broker, perhaps from a copy of its home. Stop one of the two; "
        "'axis broker check' tells where they are.",
    )
    BROKER_TWICE = (
        OPERATOR,
        "{path}: hơn một adapter đang nối vào broker ({got}), có thể từ một bản sao của thư mục dữ liệu; chỉ một được nhận "
        "văn bản. Yêu cầu cơ quan tắt bớt.",
        "{path}: more than one adapter is connected ({got}), perhaps from a copy of its home; only one gets the mail. Have "
        "the agency stop the other.",
    )
    MESSAGE_FOREIGN = (
        OPERATOR,
        "Không phải thông điệp của trục: {got}.",
        "Not a message of the axis: {got}.",
    )
    PUBLISHER_OTHER = (
        OPERATOR,
        "Thông điệp trong hàng đợi của {expected} do {got} gửi vào, không phải {expected}; không trả lời ai.",
        "A message in the queue of {expected} was published by {got}, not by {expected}; nobody is answered.",
    )
    BROKER_MISSING = (
        OPERATOR,
        "Broker thiếu {path} {got}; chạy 'axis broker setup'.",
        "The broker has no {path} {got}; run 'axis broker setup'.",
    )
    BROKER_DIFFERS = (
        OPERATOR,
        "Ở broker, {path}: cần {expected}, đang là {got}. Chạy 'axis broker setup'; tham số của hàng đợi thì không đổi được: "
        "dừng mọi hub, chạy 'axis broker setup --remake'.",
        "At the broker, {path}: wanted {expected}, found {got}. Run 'axis broker setup'; the arguments of a queue cannot be "
        "changed: stop every hub, run 'axis broker setup --remake'.",
    )
    BROKER_FEW_MEMBERS = (
        OPERATOR,
        "Hàng đợi {path} chỉ có {got} bản trên {expected} nút; thêm bằng 'rabbitmq-queues grow'.",
        "Queue {path} has only {got} members for {expected} nodes; add some with 'rabbitmq-queues grow'.",
    )
    STORE_DOWN = (OPERATOR, "Không dùng được cơ sở dữ liệu: {got}.", "The database cannot be used: {got}.")
    CLOCK_WRONG = (
        OPERATOR,
        "Đồng hồ của máy này chỉ {got}, của cơ sở dữ liệu chỉ {expected}: một trong hai sai. Trục không làm việc cho đến khi "
        "chỉnh lại.",
        "The clock of this machine says {got}, the database's says {expected}: one of them is wrong. The hub does no work until "
        "it is set right.",
    )
    ADAPTER_AWAY = (
        OPERATOR,
        "Hệ thống của cơ quan tạm thời không nhận: {got}.",
        "The agency's system is away: {got}.",
    )
    TIMED_OUT = (
        OPERATOR,
        "Chưa có trả lời sau {got} giây; việc gửi vẫn tiếp tục.",
        "No answer after {got} seconds; sending goes on.",
    )
    # -- Measurements --------------------------------------------------------------------------------
    TRIAL_SERVER = (
        OPERATOR,
        "Không chạy được máy chủ riêng cho phép đo: {got}. Hãy cài đặt, hoặc chỉ rõ bằng --broker và --database.",
        "A private server for the measurement cannot be had: {got}. Install it, or name servers with --broker and --database.",
    )
    TRIAL_ENDED = (
        OPERATOR,
        "Một tiến trình của phép đo dừng ngoài dự kiến: {got}.",
        "A process of the measurement ended unexpectedly: {got}.",
    )
    TRIAL_LATE = (
        OPERATOR,
        "Phép đo bị bỏ dở: sau {expected} giây mới có {got} biên nhận.",
        "The measurement was given up: {got} receipts after {expected} seconds.",
    )
    TRIAL_REVISION = (
        OPERATOR,
        "Không dựng được phiên bản {path} để so sánh: {got}.",
        "Revision {path} cannot be made ready for the comparison: {got}.",
    )
    # -- The command line ----------------------------------------------------------------------------
    USAGE = (OPERATOR, "Lệnh viết chưa đúng ({got}).", "The command line is not right ({got}).")
    # -- Configuration -------------------------------------------------------------------------------
    HOME_MISSING = (
        OPERATOR,
        "{got} chưa phải là thư mục dữ liệu của trục; hãy chạy «axis init --home {got:sh}».",
        "{got} is no axis home yet; run 'axis init --home {got:sh}'.",
    )
    HOME_EXISTS = (OPERATOR, "{got} đã là thư mục dữ liệu của trục.", "{got} already is an axis home.")
    BACKUP_TARGET = (
        OPERATOR,
        "{path} đã có nội dung: cần một thư mục trống hoặc chưa có.",
        "{path} has something in it: a folder is needed that is empty or not there yet.",
    )
    HOME_LOCKED = (OPERATOR, "Một tiến trình khác đang dùng {got}.", "Another process is using {got}.")
    CONFIG_INVALID = (
        OPERATOR,
        "Cấu hình sai ở {path}: {got}; cần {expected}.",
        "Configuration wrong at {path}: {got}; expected {expected}.",
    )
    CONFIG_UNKNOWN_KEY = (
        OPERATOR,
        "Khóa cấu hình lạ «{got}»; có phải «{expected}»?",
        "Unknown configuration key '{got}'; did you mean '{expected}'?",
    )
    KEY_FILE_OPEN = (
        OPERATOR,
        "Tệp khóa {got} người khác đọc hoặc sửa được. Tệp của chính người chạy trục: «chmod 600 {path}»; tệp do root đặt sẵn: "
        "quyền 0440 là rộng nhất, nhóm là nhóm của trục.",
        "Key file {got} can be read or changed by others. A file of the user who runs the axis: 'chmod 600 {path}'; one that "
        "root has put there: at most 0440, with the axis' own group.",
    )
    KEY_FILE_MISSING = (OPERATOR, "Thiếu tệp khóa {got}.", "Key file {got} is missing.")
    FILE_UNUSABLE = (OPERATOR, "Không dùng được {path}: {got}.", "{path} cannot be used: {got}.")
    SCHEMA_VERSION = (
        OPERATOR,
        "Kho dữ liệu phiên bản {got}, chương trình cần {expected}; bản cũ hơn thì chạy 'axis upgrade', bản mới hơn thì cần "
        "chương trình mới hơn.",
        "The store has schema version {got}, this program needs {expected}; if it is older, run 'axis upgrade', if it is "
        "newer, it needs a newer program.",
    )
    RECORD_OLD = (
        OPERATOR,
        "Hồ sơ của trục kết thúc ở {got}, nhưng trục đã từng ghi đến {expected}: có lẽ vừa phục hồi bản sao lưu cũ. Trục không chạy; "
        "xem docs/operations.md, rồi 'axis reconcile --restored'.",
        "The hub's record ends at {got}, but the hub had written up to {expected}: perhaps an old backup was restored. The hub "
        "does not run; see docs/operations.md, then 'axis reconcile --restored'.",
    )
    SEGMENTS_ELSEWHERE = (
        OPERATOR,
        "Gói đã ký của hồ sơ này nằm trong thư mục của máy khác ({expected}), tiến trình trục ở đây ({got}) không đọc được nên không chạy. "
        "Chạy mọi tiến trình trục trên máy đó, hoặc để gói tin trong cơ sở dữ liệu (store.parcels); nếu cả thư mục {path} đã "
        "chuyển sang máy này thì chạy 'axis upgrade'.",
        "The parcels of this record lie in a folder of another machine ({expected}); a hub worker here ({got}) cannot read them "
        "and does not run. Run every hub worker there, or keep parcels in the database (store.parcels); if the whole folder "
        "{path} has moved to this machine, run 'axis upgrade'.",
    )
    HOME_OLD = (
        OPERATOR,
        "Thư mục của {path} là bản cũ: nhật ký ở {got}, trục đã nhận đến {expected}. Adapter không nhận, không bàn giao, không gửi "
        "gì; tắt mọi bản sao khác rồi chạy 'axis adapter restored {path:sh}'.",
        "The home of {path} is an older copy: its journal is at {got}, the hub has heard up to {expected}. The adapter takes in, "
        "hands over and sends nothing; stop every other copy, then run 'axis adapter restored {path:sh}'.",
    )
    HOME_COPIED = (
        OPERATOR,
        "Hai bản sao của thư mục {path} cùng chạy: {got}, ngoài {expected}. Hãy tắt một bản.",
        "Two copies of the home of {path} work at the same time: {got}, beside {expected}. Stop one of them.",
    )
    ADAPTER_UNKNOWN = (
        OPERATOR,
        "Không có adapter «{got}»; hiện có: {expected}.",
        "There is no adapter '{got}'; there are: {expected}.",
    )
    EXTRA_MISSING = (
        OPERATOR,
        "Chưa cài thư viện {got}; hãy cài phần bổ sung: pip install 'axis-exchange[{expected}]'.",
        "The library {got} is not installed; install the extra: pip install 'axis-exchange[{expected}]'.",
    )
    # -- The web desk ----------------------------------------------------------------------------------
    WEB_FIELD = (SENDER, "Không hiểu «{got}» trong địa chỉ.", "'{got}' in the address cannot be understood.")
    WEB_BUSY = (OPERATOR, "Nhiều báo cáo đang được tính.", "Too many reports are being counted.")
    # -- Asked for and not there ---------------------------------------------------------------------
    NOT_FOUND = (SENDER, "Không tìm thấy «{got}».", "Nothing found for '{got}'.")
    AMBIGUOUS = (
        SENDER,
        "«{got}» khớp nhiều văn bản: {expected}.",
        "'{got}' matches several documents: {expected}.",
    )
    NOT_YOURS = (
        SENDER,
        "Văn bản «{got}» do {expected} gửi; chỉ cơ quan đã gửi mới thu hồi, cập nhật hay thay thế được.",
        "Document '{got}' was sent by {expected}; only who has sent it recalls, updates or replaces it.",
    )
    SENT_FROM_HERE = (
        SENDER,
        "Văn bản «{got}» do chính {expected} gửi đi, không phải văn bản đến.",
        "Document '{got}' was sent by {expected} and has not come to it.",
    )
    CAME_TO_SEVERAL = (
        SENDER,
        "Văn bản «{got}» đã đến nhiều cơ quan ở đây: {expected}.",
        "Document '{got}' has come to several agencies here: {expected}.",
    )
    BYTES_ENDED = (
        SENDER,
        "Nội dung của «{got}» đã hết hạn lưu trên trục; biên nhận và nhật ký vẫn còn. Muốn gửi cho nơi khác, hãy gửi lại "
        "kèm nội dung.",
        "The bytes of '{got}' have ended at the axis; receipts and history stand. To reach anybody else, send it again "
        "with its content.",
    )
    # -- Evidence disagrees; our own bugs ------------------------------------------------------------
    BODY_CORRUPT = (
        OPERATOR,
        "Nội dung lưu trữ không khớp mã băm {expected}.",
        "Stored content does not match its digest {expected}.",
    )
    BACKUP_INVALID = (
        OPERATOR,
        "{path} không phải bản sao lưu đã làm xong: {got}.",
        "{path} is not a backup that was finished: {got}.",
    )
    BACKUP_DAMAGED = (
        OPERATOR,
        "Bản sao lưu {path} bị hỏng ở {got}; chưa phục hồi gì.",
        "The backup {path} is damaged at {got}; nothing was restored.",
    )
    LEDGER_CORRUPT = (
        OPERATOR,
        "Sổ cái không khớp ở vị trí {got}: {expected}.",
        "The ledger does not match at position {got}: {expected}.",
    )
    NOTE_INVALID = (
        OPERATOR,
        "Bản ghi điểm kiểm (checkpoint) hoặc chữ ký trên đó không hợp lệ: {got}, phải là {expected}.",
        "The checkpoint or a signature on it is not valid: {got}, expected {expected}.",
    )
    LOG_PROOF = (
        OPERATOR,
        "Chứng minh không khớp với sổ cái: {got}, phải là {expected}.",
        "The proof does not fit the log: {got}, expected {expected}.",
    )
    LOG_EMPTY = (
        OPERATOR,
        "Sổ cái ở {got} chưa có điểm kiểm nào: trục chưa chạy, hoặc chưa có khóa (pki/log.key).",
        "The log at {got} has no checkpoint yet: the hub has not run, or there is no key (pki/log.key).",
    )
    LOG_SPLIT = (
        OPERATOR,
        "Sổ cái có hai nội dung khác nhau ở cùng cỡ {path}: {got} và {expected}. Giữ lại cả hai, đó là bằng chứng.",
        "The log has two different contents at size {path}: {got} and {expected}. Keep both, they are the evidence.",
    )
    LOG_QUORUM = (
        OPERATOR,
        "Điểm kiểm ở cỡ {path} chưa đủ chữ ký của bên chứng kiến «{expected}»; mới có: {got}.",
        "The checkpoint at size {path} lacks the witnesses of '{expected}'; there are: {got}.",
    )
    LOG_POLICY = (
        OPERATOR,
        "Chính sách chứng kiến không dùng được: {got}, phải là {expected}.",
        "The witness policy cannot be used: {got}, expected {expected}.",
    )
    EVIDENCE_INVALID = (
        OPERATOR,
        "Hồ sơ chứng cứ không hợp lệ: {got}, phải là {expected}.",
        "The evidence is not valid: {got}, expected {expected}.",
    )
    PROOF_MISSING = (
        OPERATOR,
        "Biên nhận {got} của trục chưa có chứng minh rằng nó nằm trong sổ cái.",
        "The hub's receipt {got} has no proof that it stands in the log.",
    )
    LOG_KEY_UNKNOWN = (
        OPERATOR,
        "Không rõ khóa của sổ cái là của ai: {got}.",
        "Whose key of the log this is, nobody here can tell: {got}.",
    )
    TSA_REPLY_MALFORMED = (
        OPERATOR,
        "Trả lời của dịch vụ dấu thời gian không đọc được: {got}.",
        "The reply of the time-stamping service cannot be read: {got}.",
    )
    TSA_REFUSED = (
        OPERATOR,
        "Dịch vụ dấu thời gian từ chối: {got}.",
        "The time-stamping service has refused: {got}.",
    )
    TSA_REPLY_DIFFERS = (
        OPERATOR,
        "Dấu thời gian không khớp với điểm kiểm, hoặc không do dịch vụ được tin ký: {got}.",
        "The time-stamp does not fit the checkpoint, or not the service that is trusted has signed it: {got}.",
    )
    TSA_AWAY = (
        OPERATOR,
        "Không gọi được dịch vụ dấu thời gian: {got}.",
        "The time-stamping service cannot be reached: {got}.",
    )
    LOG_SOURCE = (
        OPERATOR,
        "Không lấy được sổ cái từ {path}: {got}. Lần sau lấy tiếp từ chỗ dừng.",
        "The log cannot be fetched from {path}: {got}. The next time goes on from there.",
    )
    LOG_UNKNOWN = (
        OPERATOR,
        "{expected}: sổ cái có dòng số {got} đứng tên cơ quan này mà hệ thống của cơ quan không biết: {path}.",
        "{expected}: place {got} of the log says something in this agency's name that it does not know of: {path}.",
    )
    WITNESS_KEY = (
        OPERATOR,
        "Cơ quan {path} ký chứng kiến bằng khóa không phải khóa trong danh bạ: chữ ký đó không được tính.",
        "Agency {path} cosigns with another key than the one in the registry: that counts for nothing.",
    )
    # -- Ballots of the Government's members ----------------------------------------------------------
    PERSON_UNKNOWN = (
        OPERATOR,
        "Danh bạ không có chứng thư cá nhân «{got}».",
        "The registry has no certificate of the person '{got}'.",
    )
    SEAL_MISSING = (
        OPERATOR,
        "Cơ quan {got} chưa có chứng thư để niêm phong phiếu trong danh bạ.",
        "Agency {got} has no certificate in the registry to seal votes with.",
    )
    BALLOT_SHAPE = (
        SENDER,
        "{path}: «{got}» không hợp lệ, cần {expected}.",
        "{path}: '{got}' is not valid, expected {expected}.",
    )
    BALLOT_UNKNOWN = (
        SENDER,
        "Không tìm thấy {expected} của phiếu lấy ý kiến «{got}».",
        "There is no {expected} of the ballot '{got}'.",
    )
    BALLOT_OPEN = (
        SENDER,
        "Phiếu lấy ý kiến {got} còn mở đến {expected}.",
        "The ballot {got} is open until {expected}.",
    )
    BALLOT_DIFFERS = (
        OPERATOR,
        "Kết quả không khớp với các phiếu, {path}: ghi «{got}», đúng ra là «{expected}».",
        "The result does not follow from the votes, {path}: it says '{got}', right is '{expected}'.",
    )
    VOTE_SIGNATURE = (
        SENDER,
        "Chữ ký của phiếu không phải của thành viên: {got}.",
        "The vote's signature is not the member's: {got}.",
    )
    VOTE_SEAL = (
        SENDER,
        "Không mở được niêm phong của phiếu: {got}.",
        "The vote's seal does not open: {got}.",
    )
    INTERNAL = (DEVELOPER, "Lỗi nội bộ {got}.", "Internal error {got}.")

    @property
    def code(self) -> str:
        """The stable code, equal to the member's name."""
        return self.name

    @property
    def actor(self) -> Actor:
        """Who has to act."""
        return self.value[0]

    def sentence(self, language: Language, facts: Mapping[str, Any]) -> str:
        """The sentence in `language` with `facts` filled in; a fact not given prints as "?"."""
        _, vi, en = self.value
        said = spoken.facts(self.name, facts, vietnamese=language == "vi")
        sentence = vi if language == "vi" else en
        return sentence.format_map(_Facts(spoken.words(said) if spoken.IN_A_COMMAND in sentence else said))


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"
