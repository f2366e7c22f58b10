### Kỳ của các trang số liệu.

period-from = Từ ngày
period-until = Đến ngày
period-error = Kỳ không hợp lệ: ngày đầu trước ngày cuối, không quá năm năm.
