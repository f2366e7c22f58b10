# Khóa truy cập (passkey).
passkey-title = Khóa truy cập
passkey-hint = Đăng nhập bằng vân tay, khuôn mặt hoặc mã mở máy của điện thoại, máy tính hay khóa bảo mật. Không cần mật khẩu và mã 6 số.
passkey-none = Bạn chưa có khóa truy cập nào.
passkey-name = Tên khóa
passkey-name-example = Điện thoại của tôi
passkey-make = Thêm khóa truy cập
passkey-made = Đã thêm khóa truy cập.
passkey-used = Dùng gần nhất
passkey-remove = Gỡ khóa
passkey-removed = Đã gỡ khóa truy cập.
passkey-use = Đăng nhập bằng khóa truy cập
passkey-cancelled = Thiết bị chưa xác nhận. Hãy thử lại, hoặc đăng nhập bằng mật khẩu.
passkey-refused = Không xác nhận được khóa truy cập này. Hãy thử lại.
passkey-late = Đã quá lâu kể từ khi bắt đầu. Hãy thử lại.
passkey-unknown = Khóa truy cập này không thuộc tài khoản nào đang hoạt động. Hãy đăng nhập bằng mật khẩu.
passkey-too-many = Tài khoản đã có nhiều khóa truy cập. Hãy gỡ bớt khóa không dùng.
passkey-sign-in-with-factor = Tài khoản này đã có lớp xác thực thứ hai. Hãy đăng xuất rồi đăng nhập bằng lớp đó trước khi thêm cách khác.
