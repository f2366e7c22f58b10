# Khung trang, lỗi, con số: dùng chung cho mọi trang.
web-brand = Lũy Tre
web-skip = Đến nội dung chính
web-search = Tìm kiếm
web-search-hint = Tìm hệ thống, IP, người, mã sự cố…
web-deadlines = Hạn pháp lý gần nhất
web-deadlines-count = { $count ->
    [1000] 1.000+ hạn
   *[other] { $count } hạn
}
web-bell = Thông báo của tôi
web-account-menu = Tài khoản và tùy chọn
web-my-account = Tài khoản của tôi
web-keys = Phím tắt
web-theme = Giao diện
web-theme-light = Sáng
web-theme-dark = Tối
web-theme-auto = Theo máy
web-other-language = English
web-sign-out = Đăng xuất
web-nav = Điều hướng
web-nav-short = Điều hướng nhanh
web-news = Có dữ liệu mới. Xem ngay
web-nav-duty = Trực ban
web-nav-alerts = Cảnh báo
web-nav-incidents = Sự cố
web-nav-orders = Công điện
web-nav-search = Tìm kiếm
web-nav-systems = Hệ thống
web-nav-agencies = Đơn vị
web-nav-sources = Nguồn log
web-nav-posts = Chức danh
web-nav-my-work = Việc của tôi
web-nav-approvals = Chờ duyệt
web-nav-rules = Luật phát hiện
web-nav-exceptions = Loại trừ
web-nav-dead-letters = Log không đọc được
web-nav-keeping = Lưu giữ log
web-nav-accounts = Người dùng
web-nav-audit = Nhật ký
web-nav-notify = Kênh thông báo
web-nav-jobs = Việc đang chạy
web-nav-platform = Nền tảng

web-severity-critical = Nghiêm trọng
web-severity-high = Cao
web-severity-medium = Trung bình
web-severity-low = Thấp
web-severity-informational = Thông tin
web-level = Cấp { $level }
web-level-unknown = Chưa rõ cấp

web-just-now = vừa xong
web-ago = { $length } trước
web-ahead = { $length } nữa
web-clock-left = còn { $length }
web-clock-over = quá { $length }
web-duration-days = { $count } ngày
web-duration-hours = { $count } giờ
web-duration-minutes = { $count } phút
web-duration-seconds = { $count } giây

web-pager = Trang của danh sách
web-pager-none = Không có dòng nào
web-pager-previous = Trước
web-pager-next = Sau
web-chart-table = Xem bảng

web-field-missing = Chưa điền mục này.
web-field-unknown = Biểu mẫu không có mục “{ $field }”.
web-field-unreadable = Không đọc được giá trị đã gửi: { $detail }
web-field-too-large = Nội dung gửi lên quá lớn.

web-error-not-found = Không tìm thấy trang này
web-error-not-found-advice = Địa chỉ có thể đã đổi, hoặc nội dung không thuộc phạm vi của bạn. Hãy kiểm tra lại địa chỉ hoặc dùng ô tìm kiếm.
web-error-not-signed-in = Cần đăng nhập
web-error-not-signed-in-advice = Hãy đăng nhập rồi mở lại trang này. Chương trình cần gửi mã truy cập trong tiêu đề Authorization.
web-error-forbidden = Vai trò của bạn không làm được việc này
web-error-forbidden-advice = Nếu công việc cần đến, hãy nhờ quản trị viên cấp quyền.
web-error-second-factor = Cần bật xác thực hai lớp trước
web-error-second-factor-advice = Vai trò của bạn thấy dữ liệu của cả tỉnh nên chỉ dùng được sau khi bật xác thực hai lớp. Việc này mất khoảng một phút.
web-error-conflict = Chưa thực hiện được
web-error-invalid = Thông tin gửi lên chưa đúng
web-error-invalid-advice = Chưa có gì bị thay đổi. Hãy quay lại, sửa các mục dưới đây rồi gửi lại.
web-error-too-many = Thử quá nhiều lần
web-error-too-many-advice = Hãy đợi { $seconds } giây rồi thử lại.
web-error-unavailable = Hệ thống tạm thời chưa đáp ứng
web-error-unavailable-advice = Dữ liệu đã nhận vẫn được giữ. Hãy thử lại sau ít phút; nếu còn lỗi, báo quản trị viên kèm mã dưới đây.
web-error-internal = Có lỗi ở phía hệ thống
web-error-internal-advice = Đây không phải lỗi của bạn và đã được ghi lại. Nếu cần hỗ trợ, hãy báo quản trị viên kèm mã dưới đây.
web-error-stale-form = Biểu mẫu đã cũ hoặc được gửi từ trang khác nên không có gì bị thay đổi. Hãy tải lại trang rồi gửi lại.
web-error-id = Mã lỗi:
web-error-retry = Thử lại
web-error-home = Về trang đầu

web-keys-search = Đến ô tìm kiếm
web-keys-go = Đến một mục: bấm g rồi chữ cái (chữ hiện khi trỏ vào mục ở cột trái)
web-keys-rows = Dòng sau, dòng trước
web-keys-tabs = Khung nhìn trước, khung nhìn sau của danh sách
web-keys-open = Mở dòng đang chọn
web-keys-select = Đánh dấu dòng
web-keys-assign = Nhận hoặc giao xử lý
web-keys-incident = Tạo sự cố
web-keys-help = Hiện bảng này
web-upload-no-file = Hãy chọn một tệp.
web-upload-too-large = Tệp lớn hơn 16 MB. Hãy chia nhỏ hoặc nén rồi gửi lại.
