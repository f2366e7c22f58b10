### Duty.

duty-title = Duty
duty-at = At
duty-rate = events per second:
duty-incidents = Open incidents
duty-coverage = Systems of level 3 and above: { $live }/{ $all } send logs
duty-open = Open alerts ({ $count })
duty-open-all = See all alerts
duty-empty = No alert is open.
duty-silent = Silent
duty-silent-none = Every connected log source sends.
duty-silent-since = since
duty-silent-never = has sent nothing since it was connected
duty-mine = Waiting for me
duty-mine-none = Nothing waits.
duty-mine-all = See all my alerts
duty-events = Events per minute, past 24 hours; upright lines are new alerts
duty-events-per-minute = Events per minute
duty-marks = New alerts, { $severity }
duty-top-sources = Addresses with the most alerts, 24 hours
duty-top-targets = Systems with the most alerts, 24 hours
