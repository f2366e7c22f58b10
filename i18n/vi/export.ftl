### Xuất tệp chạy nền.

export-title = Tệp xuất
export-all = Xuất toàn bộ (chạy nền)
export-about = Tệp được làm trong nền, chỉ người yêu cầu tải được, giữ 7 ngày.
export-do-ask = Làm tệp
export-format = Định dạng
export-done-asked = Đang làm tệp; có thể rời trang này
export-take = Tải tệp
export-progress = Tiến độ
export-rows = Số dòng
export-size = Kích thước
export-until = Giữ đến
export-cut = tệp dừng ở kích thước lớn nhất, các sự kiện cũ hơn không có
export-over = Tệp đã hết hạn và đã bị xóa. Hãy yêu cầu lại.
export-wait = Tệp chưa xong.
export-job = Xuất tệp
export-note = sự kiện đã ghi
export-sweep-job = Xóa tệp xuất hết hạn
export-error-format = Định dạng phải là csv, ndjson hoặc parquet.
export-error-line = Phiên bản này không đọc được câu tìm. Hãy yêu cầu lại.
export-error-right = Người yêu cầu không còn quyền tìm kiếm.
export-error-full = Các tệp xuất đã chiếm hết chỗ dành cho chúng. Hãy chờ tệp cũ hết hạn.
export-error-groups = Quá nhiều giá trị khác nhau, tệp sẽ thiếu dòng nên không làm. Hãy thu hẹp khoảng thời gian hoặc thêm điều kiện.
