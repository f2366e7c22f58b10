# Frame, errors, figures: shared by all pages.
web-brand = Lũy Tre
web-skip = Skip to content
web-search = Search
web-search-hint = Search systems, IPs, people, incident codes…
web-deadlines = Nearest legal deadlines
web-deadlines-count = { $count ->
    [1000] 1,000+ deadlines
    [one] { $count } deadline
   *[other] { $count } deadlines
}
web-bell = My notices
web-account-menu = Account and preferences
web-my-account = My account
web-keys = Keyboard shortcuts
web-theme = Appearance
web-theme-light = Light
web-theme-dark = Dark
web-theme-auto = As the system
web-other-language = Tiếng Việt
web-sign-out = Sign out
web-nav = Navigation
web-nav-short = Quick navigation
web-news = There is something new. Show it
web-nav-duty = Duty
web-nav-alerts = Alerts
web-nav-incidents = Incidents
web-nav-orders = Orders
web-nav-search = Search
web-nav-systems = Systems
web-nav-agencies = Agencies
web-nav-sources = Log sources
web-nav-posts = Posts
web-nav-my-work = My work
web-nav-approvals = To be approved
web-nav-rules = Detection rules
web-nav-exceptions = Exceptions
web-nav-dead-letters = Unreadable logs
web-nav-keeping = Log keeping
web-nav-accounts = People
web-nav-audit = Audit log
web-nav-notify = Notification channels
web-nav-jobs = Work under way
web-nav-platform = Platform

web-severity-critical = Critical
web-severity-high = High
web-severity-medium = Medium
web-severity-low = Low
web-severity-informational = Informational
web-level = Level { $level }
web-level-unknown = Level unknown

web-just-now = just now
web-ago = { $length } ago
web-ahead = in { $length }
web-clock-left = { $length } left
web-clock-over = { $length } over
web-duration-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
web-duration-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
web-duration-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
web-duration-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}

web-pager = Pages of the list
web-pager-none = No rows
web-pager-previous = Previous
web-pager-next = Next
web-chart-table = Show table

web-field-missing = This field is missing.
web-field-unknown = The form has no field “{ $field }”.
web-field-unreadable = A value that was sent cannot be read: { $detail }
web-field-too-large = What was sent is too large.

web-error-not-found = This page was not found
web-error-not-found-advice = The address may have changed, or the content is outside what you may see. Check the address or use the search box.
web-error-not-signed-in = Please sign in
web-error-not-signed-in-advice = Sign in and open this page again. Programs send their token in the Authorization header.
web-error-forbidden = Your role may not do this
web-error-forbidden-advice = If your work needs it, ask an administrator for the right.
web-error-second-factor = Set up a second factor first
web-error-second-factor-advice = Your role sees the whole province, so it works only once a second factor is on. It takes about a minute.
web-error-conflict = This could not be done
web-error-invalid = What was sent is not right
web-error-invalid-advice = Nothing was changed. Go back, correct the fields below and send again.
web-error-too-many = Too many tries
web-error-too-many-advice = Wait { $seconds } seconds, then try again.
web-error-unavailable = The system does not answer just now
web-error-unavailable-advice = Data already received is kept. Try again in a few minutes; if it goes on, tell an administrator the id below.
web-error-internal = Something went wrong on our side
web-error-internal-advice = It was not your fault and has been recorded. If you need help, tell an administrator the id below.
web-error-stale-form = The form was old or came from another page, so nothing was changed. Reload the page and send it again.
web-error-id = Error id:
web-error-retry = Try again
web-error-home = To the start page

web-keys-search = Go to the search box
web-keys-go = Go to a place: press g, then its letter (shown when you point at it on the left)
web-keys-rows = Next row, previous row
web-keys-tabs = Previous, next saved view of a list
web-keys-open = Open the row
web-keys-select = Mark the row
web-keys-assign = Take or assign
web-keys-incident = Open an incident
web-keys-help = Show this list
web-upload-no-file = Choose a file.
web-upload-too-large = The file is larger than 16 MB. Split or compress it and send it again.
