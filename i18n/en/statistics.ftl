### Statistics of incidents.

statistics-title = Response statistics
statistics-about = From the moments written on incidents: half of them took at most the median, nine of ten at most the other figure. Times of handling run from detection.
statistics-group = Group by
statistics-by-month = Month
statistics-by-agency = Agency
statistics-by-severity = Severity
statistics-incidents = Incidents
statistics-open = Not closed
statistics-detect = Happened → detected
statistics-acknowledge = Detected → taken up
statistics-contain = Detected → contained
statistics-recover = Detected → closed
statistics-p90 = 9 of 10 within
statistics-met = Clocks met
statistics-missed = Clocks missed
statistics-running = Clocks running
statistics-all = All
statistics-chart = Incidents
statistics-empty = No incident was detected in the period.
