### Báo cáo săn tìm trên tệp (`luytre hunt --format html`).

hunt-report-title = Báo cáo săn tìm
hunt-searched = Đã đọc { $events } sự kiện trong { $files } tệp; { $unreadable } bản ghi không đọc được. Có { $findings } phát hiện. Giờ trong báo cáo là UTC.
hunt-not-searched = Tệp không đọc được hoặc đọc dở
hunt-by-rule = Theo quy tắc
hunt-by-host = Theo máy
hunt-by-tactic = Theo chiến thuật ATT&CK
hunt-by-technique = Theo kỹ thuật ATT&CK
hunt-timeline = Dòng thời gian
hunt-timeline-cut = Còn { $count } phát hiện nữa; xem đủ bằng --format csv hoặc jsonl.
hunt-severity = Mức
hunt-findings = Số phát hiện
hunt-worst = Nặng nhất
hunt-rule = Quy tắc
hunt-first = Lần đầu
hunt-last = Lần cuối
hunt-time = Thời điểm
hunt-host = Máy
hunt-tactic = Chiến thuật
hunt-technique = Kỹ thuật
hunt-why = Vì sao
hunt-file = Tệp và bản ghi
hunt-reason = Lý do
hunt-unnamed = (không nêu tên)
