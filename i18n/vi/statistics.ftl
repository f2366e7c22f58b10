### Thống kê ứng phó sự cố.

statistics-title = Thống kê ứng phó
statistics-about = Từ các thời điểm đã ghi trên sự cố: một nửa số sự cố không quá trung vị, chín phần mười không quá số đi kèm. Thời gian xử lý tính từ lúc phát hiện.
statistics-group = Nhóm theo
statistics-by-month = Tháng
statistics-by-agency = Đơn vị
statistics-by-severity = Mức độ
statistics-incidents = Sự cố
statistics-open = Chưa đóng
statistics-detect = Xảy ra → phát hiện
statistics-acknowledge = Phát hiện → tiếp nhận
statistics-contain = Phát hiện → ngăn chặn
statistics-recover = Phát hiện → đóng
statistics-p90 = 9/10 không quá
statistics-met = Hạn đã đạt
statistics-missed = Hạn bị lỡ
statistics-running = Hạn đang chạy
statistics-all = Tất cả
statistics-chart = Số sự cố
statistics-empty = Không có sự cố nào được phát hiện trong kỳ.
