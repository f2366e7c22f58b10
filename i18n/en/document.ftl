# Fixed parts of an official document (layout of Decree 30/2020). Documents are always in Vietnamese; these tell what
# the parts say.
document-state = SOCIALIST REPUBLIC OF VIET NAM
document-motto = Independence - Freedom - Happiness
document-number = No.: { $number }/{ $symbol }
document-number-open = No.: ……/{ $symbol }
document-number-plain = No.:
document-place-date = { $place }, { $day }/{ $month }/{ $year }
document-place-undated = { $place }, ……/……/{ $year }
document-to = To:
document-about = Re: { $summary }
document-recipients = Recipients:
document-like-above = As above;
document-file = File: { $where }.
document-authority-tm = For { $body }
document-authority-kt = In the place of { $body }
document-authority-tl = By order of { $body }
document-authority-tuq = By authority of { $body }
document-authority-q = Acting { $body }
