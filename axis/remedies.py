"""What there is to do about each fault of the catalogue (axis/faults.py), in Vietnamese and English.

A sentence says what is wrong; nobody is left with it alone. Commands that are named here exist, with these options: a
test runs over all of them. Words in capitals stand for what the reader puts there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.faults import Fault

if TYPE_CHECKING:
    from axis.faults import Language

_MEND = (
    "Sửa gói ở chỗ đã nêu rồi gửi lại; xem mọi lỗi của gói: axis packet check TỆP.",
    "Mend the packet at that place and send it again; everything that is wrong with it: axis packet check FILE.",
)
_SMALLER = ("Bớt hoặc chia tệp đính kèm rồi gửi lại.", "Send it again with fewer or smaller attachments.")
_GOES = (
    "Gói vẫn được gửi; nên sửa phần mềm tạo gói.",
    "The packet goes all the same; the software that makes it should be mended.",
)
_CODES = (
    "Dùng mã có trong danh bạ, ví dụ G22 hoặc H29.10.05; tra mã: axis agency list.",
    "Use a code of the registry, such as G22 or H29.10.05; look it up: axis agency list.",
)
_SIGN_AGAIN = (
    "Gửi lại gói .edxml gốc để adapter ký gói mới; với gói tự ký, xem sai ở đâu: axis verify TỆP.",
    "Send the .edxml itself again, and the adapter signs it anew; of a parcel that you have signed: axis verify FILE.",
)
_NEW_KEY = (
    "Cơ quan xin chứng thư cho khóa mới (axis agency request --code MÃ --home HOME), trung tâm nhận, rồi gửi lại.",
    "The agency asks for a certificate of a new key (axis agency request --code CODE --home HOME), the centre admits "
    "it; then send it again.",
)
_TRACE = ("Xem văn bản đang ở đâu: axis trace VĂN-BẢN.", "See where the document is: axis trace VĂN-BẢN.")
_CLERK = (
    "Văn thư nơi nhận trả lời; bên gửi theo dõi: axis trace VĂN-BẢN.",
    "The recipient's clerk answers; the sender looks: axis trace REFERENCE.",
)
_NOTHING = ("Không cần làm gì.", "Nothing has to be done.")
_BROKER = (
    "Tìm chỗ sai ở broker: axis broker check; sửa: axis broker setup.",
    "See what is wrong at the broker: axis broker check; mend it: axis broker setup.",
)
_REMAKE = (
    "Dừng mọi hub rồi chạy axis broker setup --remake.",
    "Stop every hub, then run axis broker setup --remake.",
)
_DOCTOR = ("Tìm nguyên nhân và cách sửa: axis doctor.", "Find the cause and its mending: axis doctor.")
_ONE_ADAPTER = (
    "Tìm máy thứ hai (axis broker check) rồi tắt adapter ở đó.",
    "Find the second machine (axis broker check) and stop the adapter there.",
)
_REGISTRY = (
    "Lấy danh bạ mới nhất từ trung tâm: axis agency export MÃ --to THƯ-MỤC.",
    "Get the newest registry from the centre: axis agency export CODE --to FOLDER.",
)
_EVIDENCE = (
    "Dừng trục, giữ nguyên dữ liệu làm bằng chứng, rồi chạy axis doctor; phục hồi bản sao lưu: axis restore THƯ-MỤC.",
    "Stop the hub, keep the data as evidence, then run axis doctor; put a backup back: axis restore FOLDER.",
)
_SETTINGS = (
    "Sửa axis.toml của thư mục dữ liệu; các khóa đều ở docs/settings.md.",
    "Mend axis.toml of the home; all keys are in docs/settings.md.",
)
_TYPE_FOLDER = (
    "Sửa thư mục của loại nghiệp vụ; xem mọi lỗi: axis type check THƯ-MỤC.",
    "Mend the type's folder; everything that is wrong with it: axis type check FOLDER.",
)
_TYPE_DOCUMENT = (
    "Sửa văn bản theo loại nghiệp vụ rồi gửi lại; loại đó cần gì: axis type show TÊN.",
    "Mend the document by its type and send it again; what the type wants: axis type show NAME.",
)
_TYPE_STEP = (
    "Xem văn bản trước đó đã được chấp nhận chưa: axis list --type TÊN; sau đó gửi lại, hoặc gửi văn bản đính chính.",
    "See whether the documents before it were accepted: axis list --type NAME; then send it again, or a correction.",
)
_TRIAL = (
    "Xem nguyên nhân ở trên rồi đo lại: axis bench --documents 100.",
    "See the cause above and measure again: axis bench --documents 100.",
)

_TABLE: dict[tuple[Fault, ...], tuple[str, str]] = {
    (
        *(Fault.XML_BOM, Fault.XML_DECL, Fault.XML_NOT_UTF8, Fault.XML_DTD, Fault.XML_PI, Fault.XML_XINCLUDE),
        *(Fault.XML_SYNTAX, Fault.XML_DEPTH, Fault.XML_ATTRS, Fault.XML_ELEMENTS, Fault.XML_NS_RELATIVE),
        *(Fault.XML_ROOT, Fault.XSD_INVALID, Fault.PACKET_KIND, Fault.PACKET_MISSING, Fault.PACKET_TOO_LONG),
        *(Fault.PACKET_VALUE, Fault.PACKET_DATE, Fault.PACKET_FUTURE, Fault.PACKET_REPEATED, Fault.PACKET_TOO_MANY),
        *(Fault.PACKET_ATTACHMENTS, Fault.ATT_NAME, Fault.ATT_BASE64, Fault.ATT_ARCHIVE, Fault.MORE_FINDINGS),
    ): _MEND,
    (Fault.XML_TOO_BIG, Fault.ATT_TOO_BIG, Fault.PARCEL_LIMIT): _SMALLER,
    (
        *(Fault.PACKET_UNKNOWN, Fault.PACKET_DROPPED, Fault.PACKET_DERIVED_ID, Fault.PACKET_ASSUMED),
        Fault.PACKET_APPLICATION,
    ): _GOES,
    (Fault.PACKET_ORGAN, Fault.AGENCY_UNKNOWN): _CODES,
    (
        *(Fault.PACKET_NOT_CANONICAL, Fault.PARCEL_ZIP, Fault.PARCEL_TYPE, Fault.PARCEL_COVERAGE),
        *(Fault.PARCEL_NOT_CANONICAL, Fault.SIG_COUNT, Fault.SIG_SHAPE, Fault.SIG_REF, Fault.SIG_DIGEST),
        *(Fault.SIG_VALUE, Fault.SIG_ALG),
    ): _SIGN_AGAIN,
    (Fault.SIG_WEAK_KEY, Fault.SIG_SIGNER, Fault.KEY_EXPIRED, Fault.KEY_REVOKED, Fault.KEY_ROLE): _NEW_KEY,
    (Fault.STATUS_ILLEGAL, Fault.STATUS_NOT_OPEN, Fault.DOCUMENT_UNKNOWN): _TRACE,
    (Fault.RECALL_LATE, Fault.RECALL_SHOWN, Fault.DEADLINE_NEAR, Fault.DEADLINE_MISSED): _CLERK,
    (Fault.RECALL_VOID, Fault.DELIVERY_OVER): _NOTHING,
    (Fault.BROKER_NO_QUEUE, Fault.BROKER_CONFIG, Fault.BROKER_MISSING, Fault.BROKER_DIFFERS): _BROKER,
    (Fault.BROKER_IN_USE, Fault.BROKER_OTHER_QUEUE): _REMAKE,
    (Fault.BROKER_DOWN, Fault.STORE_DOWN, Fault.ADAPTER_AWAY): _DOCTOR,
    (Fault.ADAPTER_TWICE, Fault.BROKER_TWICE): _ONE_ADAPTER,
    (Fault.REGISTRY_INVALID, Fault.REGISTRY_OLD, Fault.TYPE_SET): _REGISTRY,
    (*(Fault.TYPE_MANIFEST, Fault.TYPE_SCHEMA, Fault.TYPE_LIMIT, Fault.TYPE_EXAMPLE, Fault.TYPE_EXISTS),): _TYPE_FOLDER,
    (
        *(Fault.TYPE_PARTY, Fault.TYPE_ATTACHMENT, Fault.TYPE_UNREADABLE, Fault.TYPE_CONTENT, Fault.TYPE_STATE),
    ): _TYPE_DOCUMENT,
    (Fault.TYPE_MOVE, Fault.TYPE_BEFORE): _TYPE_STEP,
    (Fault.TYPE_UNKNOWN,): (
        "Đề nghị trung tâm thêm loại này (axis type add THƯ-MỤC) hoặc bỏ ApplicationType; các loại: axis type list.",
        "Ask the centre to add the type (axis type add FOLDER), or leave ApplicationType out; types: axis type list.",
    ),
    (Fault.LOG_EMPTY,): (
        "Cho trục chạy một lúc; nếu thư mục dữ liệu cũ chưa có khóa thì axis upgrade tạo khóa.",
        "Let the hub run for a moment; where an older home has no key, axis upgrade makes it.",
    ),
    (Fault.REQUEST_INVALID, Fault.KEY_ELSEWHERE): (
        "Tại cơ quan: axis agency request --code MÃ --home HOME; đưa tệp sinh ra cho trung tâm.",
        "At the agency: axis agency request --code CODE --home HOME; bring the file that it makes to the centre.",
    ),
    (Fault.ENROLMENT_INVALID,): (
        "Trung tâm tạo lại tệp: axis agency admit TỆP --fingerprint SHA256 --to TỆP.",
        "The centre makes it anew: axis agency admit REQUEST --fingerprint SHA256 --to FILE.",
    ),
    (Fault.FINGERPRINT_DIFFERS,): (
        "Gọi lại qua số điện thoại đã biết từ trước và so lại; nếu vẫn khác, tệp đã bị thay trên đường: không dùng.",
        "Call again, on a number known from before, and compare; if it still differs, the file was changed on its way: "
        "do not use it.",
    ),
    (Fault.CERTIFICATE_ENDED,): (
        "Chỉnh đồng hồ nếu sai. Nếu đúng: axis key next tại trung tâm, trục dùng ngay khóa mới; văn bản chờ ở các cơ "
        "quan, không mất.",
        "Set the clock right if it is wrong. If it is right: axis key next at the centre, and the hub uses the new key "
        "at once; documents wait at the agencies, none is lost.",
    ),
    (Fault.RECOVERY_PAPER,): (
        "Gõ lại 17 nhóm bốn chữ trên phiếu khôi phục mới nhất; phiếu đã dùng một lần thì không còn giá trị.",
        "Type the 17 groups of four of the newest recovery paper again; one that was used once counts no more.",
    ),
    (Fault.RECOVERY_NONE,): (
        "axis key recovery lập phiếu khi khóa của trục còn; đã mất khóa thì phải lập trục mới và kết nạp lại.",
        "axis key recovery makes a paper while the hub has its key; without either, make a new hub and enrol again.",
    ),
    (Fault.ACT_WAITS,): (
        "Đưa tệp cho cán bộ khác ký: axis officer sign ACT --key THƯ-MỤC; nhận lại tệp thì chạy: "
        "axis officer carry-out ACT.",
        "Have another officer sign the file: axis officer sign ACT --key FOLDER; when it is back: "
        "axis officer carry-out ACT.",
    ),
    (Fault.ACT_OLD, Fault.ACT_INVALID): (
        "Lập lại quyết định: chạy lại lệnh ban đầu ở trung tâm, rồi ký.",
        "Make the act anew: run the first command at the centre again, and have it signed.",
    ),
    (Fault.ACT_UNSIGNED,): (
        "Danh bạ đang dùng vẫn giữ nguyên. Gọi trung tâm: ai đã đổi, theo quyết định nào; ở trung tâm: "
        "axis officer list, axis audit list.",
        "The registry in use stays. Call the centre: who has changed what, by which act; at the centre: "
        "axis officer list, axis audit list.",
    ),
    (Fault.OFFICER_UNKNOWN,): (
        "Chép tên từ axis officer list; hai người trùng tên thì ghi 8 chữ số đầu của SHA-256 ở đó.",
        "Copy the name from axis officer list; of two of one name write the first 8 digits of the SHA-256 there.",
    ),
    (Fault.CERTIFICATE_UNKNOWN,): (
        "Chép SHA-256 của chứng thư từ axis agency show MÃ; của trung tâm: axis key show.",
        "Copy the certificate's SHA-256 from axis agency show CODE; of the centre: axis key show.",
    ),
    (Fault.ACT_OFFICERS,): (
        "Hai cán bộ đầu tiên cần đủ cả ba vai trò (không nêu --role); trước khi bỏ một người, thêm người khác có vai "
        "trò còn thiếu: axis officer add CERTIFICATE.",
        "The first two officers need all three roles (without --role); before one is removed, add another with the "
        "role that is missing: axis officer add CERTIFICATE.",
    ),
    (Fault.KEY_CLAIMED,): (
        "Cơ quan không xin khóa này thì gọi ngay trung tâm và người đăng ký: trong thời gian chờ vẫn dừng được "
        "(axis agency suspend CODE).",
        "If this agency has not asked for it, call the centre and the registrars at once: until the wait is over it "
        "can be stopped (axis agency suspend CODE).",
    ),
    (Fault.KEY_HEIR,): (
        "Khóa cũ còn: axis agency request tại thư mục dữ liệu có khóa cũ. Đã mất: axis registrar vouch. Bản danh bạ "
        "không ai làm ra đúng quy trình: hỏi trung tâm qua điện thoại.",
        "The key before is still there: axis agency request in the home that has it. It is lost: axis registrar vouch. "
        "A registry that nobody owns to: ask the centre by telephone.",
    ),
    (Fault.ASIDE_FULL,): (
        "Hỏi trung tâm qua điện thoại có đổi khóa không. Có: danh bạ mới tới thì ở trung tâm axis queue retry. Không: "
        "có kẻ ghi vào hàng đợi của cơ quan, đổi chứng thư broker (axis broker reissue --new-keys).",
        "Ask the centre by telephone whether its key is another. It is: when the registry has come, axis queue retry "
        "at the centre. It is not: somebody writes into the agency's queue, so give the broker other keys (axis broker "
        "reissue --new-keys).",
    ),
    (Fault.LEDGER_CORRUPT, Fault.NOTE_INVALID, Fault.LOG_PROOF, Fault.LOG_SPLIT): _EVIDENCE,
    (Fault.CONFIG_INVALID, Fault.CONFIG_UNKNOWN_KEY): _SETTINGS,
    (Fault.TRIAL_SERVER, Fault.TRIAL_ENDED, Fault.TRIAL_LATE, Fault.TRIAL_REVISION): _TRIAL,
    (Fault.APPLICATION_MOVE, Fault.APPLICATION_CORRECTION): (
        "Đồng bộ lại trạng thái hiện tại (TraCuuHoSo) rồi gửi bước tiếp theo; đặt nhầm thì gửi đính chính.",
        "Ask for the present status (TraCuuHoSo) and send the next step; what was set by mistake needs a correction.",
    ),
    (Fault.APPLICATION_UNKNOWN, Fault.APPLICATION_FIXED): (
        "Kiểm tra mã hồ sơ và dữ liệu đã gửi lần đầu rồi gửi lại.",
        "Check the application's number and what was sent of it first, and send it again.",
    ),
    (Fault.APPLICATION_PARTY,): (
        "Để cơ quan tiếp nhận hoặc cơ quan giải quyết của hồ sơ gửi.",
        "Let the agency send it that has received the application, or that resolves it.",
    ),
    (Fault.APPLICATION_DUE,): (
        "Gửi yêu cầu bổ sung (trạng thái 5), hoặc gửi kèm thư xin lỗi đã ký (ThuXinLoi).",
        "Send the request for a supplement (status 5), or the signed apology with it (ThuXinLoi).",
    ),
    (Fault.PAYMENT_REPEATED, Fault.POSTAL_REPEATED): (
        "Tạo mã mới, không trùng, rồi gửi lại.",
        "Make a new number that was not used yet, and send it again.",
    ),
    (Fault.PAYMENT_MISMATCH,): (
        "Đối soát với nền tảng thanh toán; tiền đã thu không ghi cho hồ sơ khác.",
        "Reconcile it with the payment platform; money is never entered for another application.",
    ),
    (Fault.APPLICATION_FILE,): (
        "Kiểm tra URL (HTTPS, không chuyển hướng, đúng cỡ); mạng riêng phải có trong server.webhook_networks.",
        "Check the URL (HTTPS, no redirect, its size); a private network must stand in server.webhook_networks.",
    ),
    (Fault.PORTAL_SESSION,): (
        "Gọi /dvcqg/login bằng tài khoản của hệ thống; xem tài khoản: axis adapter systems list.",
        "Call /dvcqg/login as the system; which systems there are: axis adapter systems list.",
    ),
    (Fault.PORTAL_SERVICE,): (
        "Gọi đúng tên dịch vụ, cả chữ hoa, chữ thường.",
        "Call the service by its exact name, upper and lower case.",
    ),
    (Fault.POSTAL_WAYBILL,): (
        "Chờ bưu điện trả lời mã vận đơn rồi mới gửi trạng thái này.",
        "Wait for the post's waybill before this status is sent.",
    ),
    (Fault.FILE_ENDING, Fault.XML_NONE): (
        "Xuất văn bản thành gói .edxml, đặt vào outbox/; lấy tệp này ra khỏi outbox/.",
        "Export the document as an .edxml packet into outbox/; take this file out of outbox/.",
    ),
    (Fault.PACKET_SECRET,): (
        "Gửi văn bản mật bằng đường riêng theo quy định, không qua trục.",
        "Send it on the way that is laid down for classified documents, not on the axis.",
    ),
    (Fault.PACKET_SIGNATURE,): (
        "Ký lại gói trong phần mềm văn bản, hoặc bỏ chữ ký XML trong gói, rồi gửi lại.",
        "Sign the packet again in the document system, or leave its XML signature out, and send it again.",
    ),
    (Fault.CLOCK_SKEW,): (
        "Đồng bộ giờ của máy ký (chrony); adapter tự ký và gửi lại gói này.",
        "Synchronise the clock of the signing machine (chrony); the adapter signs and sends this again by itself.",
    ),
    (Fault.AUTHZ_MISMATCH,): (
        "Gửi từ hệ thống của cơ quan ghi ở From, hoặc sửa From.",
        "Send it from the system of the agency that stands in From, or mend From.",
    ),
    (Fault.AGENCY_SUSPENDED,): (
        "Trung tâm cho hoạt động lại (axis agency resume MÃ), rồi gửi lại.",
        "The centre has it resume (axis agency resume CODE); then send it again.",
    ),
    (Fault.AGENCY_CLOSED,): (
        "Gửi đến cơ quan kế thừa đã nêu.",
        "Send it to the successor that is named.",
    ),
    (Fault.AGENCY_ENDED,): (
        "Không mở lại và không đổi lại được; cơ quan kế thừa làm thay: axis agency show MÃ.",
        "It is not opened again, nor is this changed; its successor acts in its place: axis agency show CODE.",
    ),
    (Fault.SUCCESSOR_CIRCLE,): (
        "Ghi một cơ quan kế thừa khác; xem axis agency show MÃ.",
        "Name another successor; see axis agency show CODE.",
    ),
    (Fault.ALIAS_TAKEN,): (
        "Dùng mã khác; xem mã này là của ai: axis agency list MÃ.",
        "Use another code; see whose this one is: axis agency list CODE.",
    ),
    (Fault.TABLE_INVALID,): (
        "Sửa bảng ở dòng đã nêu, rồi thử trước: axis agency apply TỆP --rehearse.",
        "Mend the table at that line, then rehearse it: axis agency apply FILE --rehearse.",
    ),
    (Fault.AGENCY_OPEN,): (
        "Xem axis agency show MÃ; cho ngừng hoạt động và ghi nơi kế thừa: axis agency close MÃ --successor MÃ.",
        "See axis agency show CODE; close it and name its successor: axis agency close CODE --successor CODE.",
    ),
    (Fault.DUP_CONFLICT,): (
        "Văn bản khác: số khác (DocumentId mới). Sửa văn bản đã gửi: axis update VĂN-BẢN hoặc axis replace VĂN-BẢN.",
        "Another document has another number (a new DocumentId). To mend what was sent: axis update REFERENCE, or axis "
        "replace REFERENCE.",
    ),
    (Fault.DOCUMENT_RECALLED,): (
        "Gửi một văn bản mới, không sửa văn bản đã thu hồi.",
        "Send a new document instead of mending one that was recalled.",
    ),
    (Fault.RECIPIENT_UNKNOWN,): (
        "Xem nơi nào đã nhận: axis board VĂN-BẢN; chưa gửi thì gửi văn bản cho nơi đó trước.",
        "See who has it: axis board REFERENCE; to whoever has not, send the document first.",
    ),
    (Fault.UNITS_TOGETHER,): (
        "Sửa nơi nhận trong gói rồi gửi lại; xem nơi nhận: axis board VĂN-BẢN.",
        "Mend the recipients in the packet and send it again; see them: axis board REFERENCE.",
    ),
    (Fault.SYSTEM_REFUSED, Fault.DELIVERY_INVALID): (
        "Bên gửi liên hệ nơi nhận, sửa theo lý do rồi gửi văn bản mới.",
        "The sender calls the recipient, mends what is wrong and sends it anew.",
    ),
    (Fault.CHANGES_TOO_OFTEN,): (
        "Gửi lại vào hôm sau.",
        "Send it again tomorrow.",
    ),
    (Fault.REPORTERS_TOO_MANY,): (
        "Báo trạng thái qua một đơn vị đã báo trước đó.",
        "Report through a unit that has reported before.",
    ),
    (Fault.STATUS_UNKNOWN_DOCUMENT,): (
        "Kiểm tra cơ quan gửi, số và DocumentId trong ResponseFor, rồi gửi lại: axis trace VĂN-BẢN.",
        "Check sender, number and DocumentId in ResponseFor and send it again: axis trace REFERENCE.",
    ),
    (Fault.QUARANTINED,): (
        "Quản trị xem và cho xử lý lại: axis queue list, axis queue retry ID --reason LÝ-DO.",
        "An administrator looks and has it judged again: axis queue list, axis queue retry ID --reason TEXT.",
    ),
    (Fault.DEAD_LETTER, Fault.RETRY_FAILED): (
        "Xem vì sao: axis queue show ID; không cần nữa: axis queue drop ID --reason LÝ-DO.",
        "See why: axis queue show ID; if it is not wanted: axis queue drop ID --reason TEXT.",
    ),
    (Fault.NOT_RETURNABLE,): (
        "Gửi lại: axis queue retry ID --reason LÝ-DO, hoặc bỏ: axis queue drop ID --reason LÝ-DO.",
        "Send it again: axis queue retry ID --reason TEXT, or drop it: axis queue drop ID --reason TEXT.",
    ),
    (Fault.HUB_BROKEN, Fault.INTERNAL): (
        "Gửi các tệp trong incidents/ cho nhóm phát triển; cài bản đã sửa rồi khởi động lại; xem: axis doctor.",
        "Send the files in incidents/ to the developers; install the mended version, start again; see: axis doctor.",
    ),
    (Fault.RECORD_GAP,): (
        "Chờ các cơ quan gửi lại; xem những gì còn chờ: axis queue list.",
        "Wait until the agencies have sent it again; see what still waits: axis queue list.",
    ),
    (Fault.UNDELIVERED, Fault.OVERDUE): (
        "Xem vì sao: axis why VĂN-BẢN; thử lại: axis queue retry ID --reason LÝ-DO.",
        "See why: axis why REFERENCE; try again: axis queue retry ID --reason TEXT.",
    ),
    (Fault.RETURNED,): (
        "Làm theo lý do đã nêu rồi gửi văn bản mới.",
        "Do what the reason says and send it anew.",
    ),
    (Fault.RECEIPT_INVALID,): (
        "Kiểm tra biên nhận: axis verify TỆP; xin bên phát hành gửi lại: axis reconcile.",
        "Look at the receipt: axis verify FILE; have it given again: axis reconcile.",
    ),
    (Fault.API_UNAUTHORIZED,): (
        "Quản trị cấp mã truy cập: axis adapter token MÃ.",
        "An administrator gives a token: axis adapter token CODE.",
    ),
    (Fault.API_VALUE,): (
        "Sửa giá trị đó rồi gọi lại.",
        "Mend that value and call again.",
    ),
    (Fault.API_KEY_REUSED,): (
        "Dùng một Idempotency-Key mới cho gói tin mới.",
        "Use a new Idempotency-Key for a new packet.",
    ),
    (Fault.CONFORMANCE_INVALID,): (
        "Thử adapter lại với phiên bản này: axis conformance DRIVER --from MÃ --out TỆP.",
        "Try the adapter again with this version: axis conformance DRIVER --from CODE --out FILE.",
    ),
    (Fault.BROKER_FULL,): (
        "Thêm hoặc dọn đĩa, bộ nhớ ở máy broker; mọi thứ tự đi tiếp. Theo dõi: axis doctor.",
        "Give the broker's machine disk or memory; all goes on by itself. Watch: axis doctor.",
    ),
    (Fault.MESSAGE_FOREIGN, Fault.PUBLISHER_OTHER): (
        "Tìm chương trình đã gửi và quyền của nó (axis broker check); bỏ thông điệp: axis queue list, "
        "axis queue drop ID --reason TEXT.",
        "Find the program that sent it, and its rights (axis broker check); drop the message: axis queue list, "
        "axis queue drop ID --reason TEXT.",
    ),
    (Fault.BROKER_FEW_MEMBERS,): (
        "Chạy rabbitmq-queues grow ở một nút của broker, rồi axis broker check.",
        "Run rabbitmq-queues grow at one of the broker's nodes, then axis broker check.",
    ),
    (Fault.CLOCK_WRONG,): (
        "Đồng bộ giờ cả hai máy (chrony); trục tự chạy tiếp. Kiểm tra: axis doctor.",
        "Synchronise both clocks (chrony); the hub goes on by itself. Check: axis doctor.",
    ),
    (Fault.TIMED_OUT,): (
        "Xem lại sau ít phút: axis trace VĂN-BẢN; không có hub nào chạy thì: axis run.",
        "Look again in some minutes: axis trace REFERENCE; if no hub runs: axis run.",
    ),
    (Fault.USAGE,): (
        "Xem cách viết và ví dụ: thêm --help vào lệnh đó.",
        "See how it is written, with an example: add --help to that command.",
    ),
    (Fault.HOME_MISSING,): (
        "Chỉ đúng thư mục bằng --home hoặc AXIS_HOME; tạo mới: axis init --home THƯ-MỤC.",
        "Name the right folder by --home or AXIS_HOME; make a new one: axis init --home FOLDER.",
    ),
    (Fault.HOME_EXISTS,): (
        "Dùng thư mục đó, hoặc tạo ở thư mục khác: axis init --home THƯ-MỤC.",
        "Use that one, or make another: axis init --home FOLDER.",
    ),
    (Fault.BACKUP_TARGET,): (
        "Chọn thư mục khác: axis backup THƯ-MỤC.",
        "Choose another folder: axis backup FOLDER.",
    ),
    (Fault.HOME_LOCKED,): (
        "Dừng tiến trình đó (systemctl stop, hoặc Ctrl+C ở nơi nó chạy) rồi chạy lại lệnh này.",
        "Stop that process (systemctl stop, or Ctrl+C where it runs) and run this command again.",
    ),
    (Fault.KEY_FILE_OPEN,): (
        "Đặt lại quyền (chmod 600); nếu nghi khóa đã lộ: axis agency rotate MÃ --revoke.",
        "Set its mode (chmod 600); if the key may be known: axis agency rotate CODE --revoke.",
    ),
    (Fault.KEY_FILE_MISSING,): (
        "Đặt lại tệp khóa từ bản sao lưu; không có thì cấp khóa mới: axis agency rotate MÃ.",
        "Put the key file back from a backup; without one give a new key: axis agency rotate CODE.",
    ),
    (Fault.FILE_UNUSABLE,): (
        "Sửa quyền, chỗ trống hoặc đường dẫn của tệp đó rồi chạy lại.",
        "Mend the rights, the room or the path of that file and run this again.",
    ),
    (Fault.SCHEMA_VERSION,): (
        "Sao lưu (axis backup THƯ-MỤC) rồi chạy axis upgrade, hoặc cài phần mềm mới hơn.",
        "Back up (axis backup FOLDER) and run axis upgrade, or install the newer program.",
    ),
    (Fault.RECORD_OLD,): (
        "Nếu đúng là bản phục hồi: axis reconcile --restored. Nếu không: kiểm tra có nối nhầm cơ sở dữ liệu không.",
        "If it was restored: axis reconcile --restored. If not, see whether this is another database.",
    ),
    (Fault.SEGMENTS_ELSEWHERE,): (
        "Chạy trục trên máy có thư mục đó; nếu cả thư mục đã chuyển sang đây: axis upgrade.",
        "Run the hub on the machine that has the folder; if the whole folder has moved here: axis upgrade.",
    ),
    (Fault.HOME_OLD,): (
        "Tắt mọi bản sao khác của thư mục này rồi chạy axis adapter restored MÃ.",
        "Stop every other copy of this home, then run axis adapter restored CODE.",
    ),
    (Fault.HOME_COPIED,): (
        "Tắt adapter ở một trong hai máy; bản còn lại: axis adapter check MÃ.",
        "Stop the adapter on one of the two machines; of the other: axis adapter check CODE.",
    ),
    (Fault.ADAPTER_UNKNOWN,): (
        "Chọn một loại trong danh sách: axis adapter list; đặt vào adapter.kind của axis.toml.",
        "Choose one of: axis adapter list; write it as adapter.kind in axis.toml.",
    ),
    (Fault.EXTRA_MISSING,): (
        "Cài phần bổ sung bằng lệnh pip đã nêu rồi chạy lại.",
        "Install the extra by the pip command that is named, and run this again.",
    ),
    (Fault.WEB_FIELD,): (
        "Sửa giá trị đó trong biểu mẫu, hoặc bỏ trống; ngày viết như 2026-11-25, kỳ như 2026-Q3.",
        "Change that value in the form, or leave it empty; a day is written as 2026-11-25, a period as 2026-Q3.",
    ),
    (Fault.WEB_BUSY,): (
        "Chờ vài phút rồi mở lại trang, hoặc dùng axis report.",
        "Wait some minutes and open the page again, or use axis report.",
    ),
    (Fault.NOT_FOUND,): (
        'Kiểm tra cách viết, hoặc tìm theo số hay từ của trích yếu: axis trace "TỪ-KHÓA".',
        'Check how it is written, or look for a number or words of its subject: axis trace "TEXT".',
    ),
    (Fault.AMBIGUOUS,): (
        "Viết trọn mã (axis id); tìm mã đó: axis trace VĂN-BẢN --from MÃ --date NGÀY.",
        "Give the whole id (the axis id); to find it: axis trace REFERENCE --from CODE --date DATE.",
    ),
    (Fault.NOT_YOURS,): (
        "Muốn trả lại hay trả lời bên gửi: axis answer VĂN-BẢN --from MÃ. Bên gửi mới thu hồi: axis recall.",
        "To answer who has sent it: axis answer REFERENCE --from CODE. Its sender takes it back: axis recall.",
    ),
    (Fault.SENT_FROM_HERE,): (
        "Xem nơi nhận đã có chưa: axis board VĂN-BẢN; văn bản đến của cơ quan: axis inbox --as MÃ.",
        "See who has it: axis board REFERENCE; what has come to the agency: axis inbox --as CODE.",
    ),
    (Fault.CAME_TO_SEVERAL,): (
        "Nêu cơ quan nào trả lời: axis answer VĂN-BẢN --from MÃ.",
        "Say which of them answers: axis answer REFERENCE --from CODE.",
    ),
    (Fault.BYTES_ENDED,): (
        "Bên gửi gửi lại văn bản kèm nội dung; xem ai đã có: axis board VĂN-BẢN.",
        "The sender sends it again with its content; see who has it: axis board REFERENCE.",
    ),
    (Fault.BODY_CORRUPT,): (
        "Kiểm tra đĩa (axis doctor); xin gửi lại: axis reconcile. Những gì đến lại sẽ thay nội dung hỏng.",
        "Look at the disk (axis doctor); have it sent again: axis reconcile. What comes again mends it.",
    ),
    (Fault.BACKUP_INVALID, Fault.BACKUP_DAMAGED): (
        "Dùng bản sao lưu khác: axis restore THƯ-MỤC --home THƯ-MỤC; làm bản mới: axis backup THƯ-MỤC.",
        "Use another backup: axis restore FOLDER --home FOLDER; make a new one: axis backup FOLDER.",
    ),
    (Fault.EVIDENCE_INVALID,): (
        "Không dùng tệp này; xin lại từ nơi đã lập (axis evidence VĂN-BẢN) và so mã băm qua điện thoại.",
        "Do not use this file; ask its maker for it again (axis evidence REFERENCE), and compare digests by telephone.",
    ),
    (Fault.PROOF_MISSING, Fault.LOG_KEY_UNKNOWN): (
        "Lập lại chứng cứ ở trung tâm: axis evidence VĂN-BẢN; khóa sổ cái để so: axis audit head.",
        "Make the evidence at the centre: axis evidence REFERENCE; the log's key, to compare: axis audit head.",
    ),
    (Fault.TSA_REPLY_MALFORMED, Fault.TSA_REFUSED, Fault.TSA_REPLY_DIFFERS, Fault.TSA_AWAY): (
        "Xem địa chỉ và chứng thư của dịch vụ dấu thời gian trong axis.toml; trục vẫn nhận văn bản bình thường và hỏi "
        "lại sau: axis doctor.",
        "See the address and certificate of the service in axis.toml; documents are accepted meanwhile, and it is "
        "asked again: axis doctor.",
    ),
    (Fault.LOG_QUORUM,): (
        "Chờ bên chứng kiến ký rồi kiểm tra lại; liên hệ bên còn thiếu.",
        "Wait until the witnesses have signed and check again; call those who are missing.",
    ),
    (Fault.PERSON_UNKNOWN,): (
        "Cấp chứng thư cho thành viên: axis member add PERSON; xem những ai đã có: axis member list.",
        "Give the member a certificate: axis member add PERSON; see who has one: axis member list.",
    ),
    (Fault.SEAL_MISSING,): (
        "Cấp chứng thư niêm phong cho cơ quan: axis member seal MÃ.",
        "Give the agency a certificate to seal with: axis member seal CODE.",
    ),
    (Fault.BALLOT_SHAPE, Fault.VOTE_SIGNATURE, Fault.VOTE_SEAL): (
        "Sửa chỗ đã nêu, ký và gửi lại.",
        "Mend it at that place, sign it and send it again.",
    ),
    (Fault.BALLOT_UNKNOWN,): (
        "Xem cơ quan có những phiếu nào: axis ballot status --as MÃ.",
        "See which ballots the agency has: axis ballot status --as CODE.",
    ),
    (Fault.BALLOT_OPEN,): (
        "Chờ hết hạn; sau đó cơ quan tổng hợp đóng phiếu (lần đóng sớm không có giá trị): axis ballot close BALLOT.",
        "Wait for its end; then the secretariat closes it (a closing before that is void): axis ballot close BALLOT.",
    ),
    (Fault.BALLOT_DIFFERS,): (
        "Không dùng kết quả này; giữ nguyên các gói làm bằng chứng, hỏi cơ quan tổng hợp.",
        "Do not use this result; keep the parcels as evidence, and ask the secretariat.",
    ),
    (Fault.LOG_SOURCE,): (
        "Kiểm tra địa chỉ và đường mạng rồi chạy lại axis log mirror.",
        "Check the address and the line, and run axis log mirror again.",
    ),
    (Fault.LOG_UNKNOWN,): (
        "Hỏi trung tâm ngay (axis audit prove NUMBER) và xem ai đang giữ khóa của cơ quan; có thể phải đổi khóa.",
        "Ask the centre at once (axis audit prove NUMBER), and see who has the agency's key; change it if need be.",
    ),
    (Fault.WITNESS_KEY,): (
        "Ở cơ quan: chạy lại axis agency request; ở trung tâm: axis agency admit rồi axis witness policy. Hoặc chép "
        "keys/<mã>.witness của trung tâm sang cơ quan.",
        "At the agency: axis agency request once more; at the centre: axis agency admit, then axis witness policy. Or "
        "copy keys/<code>.witness from the centre to the agency.",
    ),
    (Fault.LOG_POLICY,): (
        "Sửa tệp chính sách chứng kiến ở chỗ đã nêu rồi kiểm tra lại.",
        "Mend the witness policy at that place and check again.",
    ),
}
_BY_FAULT = {fault: said for faults, said in _TABLE.items() for fault in faults}
# Their own sentence ends with what to do: nothing is said twice to people.
SAID = {
    *(Fault.UNITS_TOGETHER, Fault.CHANGES_TOO_OFTEN, Fault.BROKER_FULL, Fault.BROKER_IN_USE, Fault.BROKER_OTHER_QUEUE),
    *(Fault.ADAPTER_TWICE, Fault.BROKER_TWICE, Fault.BROKER_MISSING, Fault.BROKER_DIFFERS, Fault.BROKER_FEW_MEMBERS),
    *(Fault.TRIAL_SERVER, Fault.HOME_MISSING, Fault.KEY_FILE_OPEN, Fault.SCHEMA_VERSION, Fault.RECORD_OLD),
    *(Fault.SEGMENTS_ELSEWHERE, Fault.HOME_OLD, Fault.HOME_COPIED, Fault.EXTRA_MISSING, Fault.BYTES_ENDED),
}


def remedy(fault: Fault, language: Language) -> str:
    """What there is to do about `fault`, by whoever acts on it."""
    vi, en = _BY_FAULT.get(fault, _DOCTOR)
    return vi if language == "vi" else en
