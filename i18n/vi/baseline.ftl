### Nếp thường ngày.

baseline-title = Nếp thường ngày
baseline-about = Mỗi nếp học riêng từng nguồn nhật ký: giá trị nào thường gặp, khối lượng bao nhiêu, nhịp thế nào. Chưa học đủ thì im lặng. Tắt hoặc bật cho từng nguồn ở đây; chưa chuyển thì theo mục [baselines] của cấu hình. Nếp đang tắt vẫn học.
baseline-speaks = Đang canh
baseline-learns = Đang học
baseline-off = Đã tắt
baseline-state = Tình trạng
baseline-name = Nếp
baseline-progress = Học được
baseline-events = Sự kiện
baseline-parts = Khoảng thời gian
baseline-hours = giờ
baseline-since = Học từ
baseline-empty = Chưa nguồn nào có sự kiện mà các nếp đọc được. Nếp bắt đầu học ngay khi có sự kiện đầu tiên.
baseline-switch = Chuyển
baseline-do-on = Bật
baseline-do-off = Tắt
baseline-notice-switched = Đã chuyển nếp cho nguồn này
baseline-error-source = Nguồn nhật ký không đúng.
baseline-error-state = Chọn bật, tắt hoặc theo cấu hình.
