### Keeping logs: terms, holds for incidents, records of deletions.

keeping-title = Log keeping
keeping-verify = Check the chain of files
keeping-records-file = Download the records (NDJSON)
keeping-chain-holds = The chain of files is whole ({ $count } entries) and fits the catalogue.
keeping-chain-broken = The chain of files is broken or does not fit the catalogue: someone changed it from outside. Run “luytre lake verify”.
keeping-lake = The lake takes
keeping-oldest = Oldest logs:
keeping-other = Logs of no system: kept { $months } months
keeping-holds = Held for incidents
keeping-holds-none = Nothing is held. A hold is set on an incident's page.
keeping-hold-from = from
keeping-terms = Terms by system
keeping-terms-none = There is no system yet.
keeping-system = System
keeping-level = Level
keeping-legal = Legal minimum (months)
keeping-months = Kept (months)
keeping-kept-from = Kept from day
keeping-reason = Reason
keeping-set = Change the term
keeping-do-set = Save the term
keeping-done-set = The term is saved.
keeping-error-months = Months must be from { $min } to { $max }.
keeping-error-reason = Give a reason of at least 5 letters.
keeping-records = Records of deletions and files taken out
keeping-records-none = Nothing was deleted yet.
keeping-what = What
keeping-file = File
keeping-events = Events
keeping-deleted = Deleted, its time was over
keeping-quarantined = Damaged file taken out
keeping-missing = File lost

keeping-key-missing = The lake is encrypted (master key { $key }), and lake.encryption.key_file is not set in the configuration.
keeping-key-unreadable = The key file { $path } (lake.encryption.key_file) cannot be used.
keeping-key-wrong = The file { $path } (lake.encryption.key_file) does not open the lake: it is encrypted under the master key { $key }.
