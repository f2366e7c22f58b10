# Danh mục đơn vị hành chính.
unit-adopt = { $count } xã, phường chưa có trong danh sách đơn vị
unit-adopt-do = Thêm tất cả
unit-adopt-hint = Mỗi xã, phường, đặc khu thành một đơn vị dưới đơn vị cấp trên được chọn; đơn vị đã có giữ nguyên.
unit-adopted = Đã thêm { $count } đơn vị.
unit-basis = 34 tỉnh, thành phố và 3.321 xã, phường, đặc khu theo mã của QĐ 19/2025/QĐ-TTg.
unit-code = Mã
unit-empty = Không có đơn vị hành chính nào khớp. Gõ tên có dấu hoặc không dấu.
unit-known = Đã có
unit-province = Tỉnh, thành phố
unit-title = Danh mục hành chính
