# Administrative units.
unit-adopt = { $count } communes and wards are not agencies yet
unit-adopt-do = Add them all
unit-adopt-hint = Each becomes an agency below the chosen one; those already there stay as they are.
unit-adopted = { $count } agencies added.
unit-basis = 34 provinces and cities and 3,321 communes, wards and special zones with the codes of Decision 19/2025/QD-TTg.
unit-code = Code
unit-empty = No administrative unit fits. Type the name with or without marks.
unit-known = Registered
unit-province = Province
unit-title = Administrative units
