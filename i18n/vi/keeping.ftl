### Lưu giữ log: thời hạn, giữ nguyên cho sự cố, biên bản xóa.

keeping-title = Lưu giữ log
keeping-verify = Kiểm tra chuỗi tệp
keeping-records-file = Tải biên bản (NDJSON)
keeping-chain-holds = Chuỗi tệp nguyên vẹn ({ $count } mục), khớp với danh mục.
keeping-chain-broken = Chuỗi tệp bị đứt hoặc không khớp với danh mục: có người đã sửa ngoài hệ thống. Chạy «luytre lake verify».
keeping-lake = Kho log chiếm
keeping-oldest = Log cũ nhất:
keeping-other = Log không thuộc hệ thống nào: giữ { $months } tháng
keeping-holds = Đang giữ nguyên cho sự cố
keeping-holds-none = Không có log nào đang giữ nguyên. Đặt lệnh giữ ở trang của sự cố.
keeping-hold-from = từ
keeping-terms = Thời hạn theo hệ thống
keeping-terms-none = Chưa có hệ thống nào.
keeping-system = Hệ thống
keeping-level = Cấp độ
keeping-legal = Tối thiểu theo luật (tháng)
keeping-months = Giữ (tháng)
keeping-kept-from = Còn giữ từ ngày
keeping-reason = Lý do
keeping-set = Đổi thời hạn
keeping-do-set = Lưu thời hạn
keeping-done-set = Đã lưu thời hạn giữ log.
keeping-error-months = Số tháng phải từ { $min } đến { $max }.
keeping-error-reason = Ghi lý do, ít nhất 5 chữ.
keeping-records = Biên bản xóa và loại tệp
keeping-records-none = Chưa có log nào bị xóa.
keeping-what = Việc
keeping-file = Tệp
keeping-events = Sự kiện
keeping-deleted = Xóa vì hết hạn
keeping-quarantined = Loại tệp hỏng
keeping-missing = Mất tệp

keeping-key-missing = Kho log đã mã hóa (khóa chủ { $key }), nhưng chưa đặt lake.encryption.key_file trong cấu hình.
keeping-key-unreadable = Không dùng được tệp khóa { $path } (lake.encryption.key_file).
keeping-key-wrong = Tệp { $path } (lake.encryption.key_file) không mở được kho log: kho log mã hóa bằng khóa chủ { $key }.
