### Trực ban.

duty-title = Trực ban
duty-at = Lúc
duty-rate = sự kiện mỗi giây:
duty-incidents = Sự cố đang mở
duty-coverage = Hệ thống cấp 3 trở lên: { $live }/{ $all } đang có log
duty-open = Cảnh báo đang mở ({ $count })
duty-open-all = Xem tất cả cảnh báo
duty-empty = Không có cảnh báo nào đang mở.
duty-silent = Im lặng
duty-silent-none = Mọi nguồn log đã kết nối đều đang gửi về.
duty-silent-since = từ
duty-silent-never = chưa gửi gì từ khi kết nối
duty-mine = Việc đang chờ tôi
duty-mine-none = Không có việc nào đang chờ.
duty-mine-all = Xem tất cả cảnh báo của tôi
duty-events = Sự kiện mỗi phút, 24 giờ qua; vạch đứng là cảnh báo mới
duty-events-per-minute = Sự kiện mỗi phút
duty-marks = Cảnh báo mới, { $severity }
duty-top-sources = Địa chỉ có nhiều cảnh báo nhất, 24 giờ
duty-top-targets = Hệ thống có nhiều cảnh báo nhất, 24 giờ
