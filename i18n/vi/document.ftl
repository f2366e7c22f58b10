# Phần cố định của văn bản hành chính (thể thức theo Nghị định 30/2020/NĐ-CP). Văn bản luôn bằng tiếng Việt.
document-state = CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM
document-motto = Độc lập - Tự do - Hạnh phúc
document-number = Số: { $number }/{ $symbol }
document-number-open = Số: ……/{ $symbol }
document-number-plain = Số:
document-place-date = { $place }, ngày { $day } tháng { $month } năm { $year }
document-place-undated = { $place }, ngày …… tháng …… năm { $year }
document-to = Kính gửi:
document-about = V/v { $summary }
document-recipients = Nơi nhận:
document-like-above = Như trên;
document-file = Lưu: { $where }.
document-authority-tm = TM. { $body }
document-authority-kt = KT. { $body }
document-authority-tl = TL. { $body }
document-authority-tuq = TUQ. { $body }
document-authority-q = Q. { $body }
