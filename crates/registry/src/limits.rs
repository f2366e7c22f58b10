//! Limits of the registry, each with its reason.

/// Longest name of an agency, system or source, in characters: the longest real ones have about 150.
pub const NAME_CHARS_MAX: usize = 200;

/// Longest code (`so-tai-chinh`): it is typed, read aloud and stands in addresses.
pub const CODE_CHARS_MAX: usize = 60;

/// Longest free text of a form.
pub const TEXT_CHARS_MAX: usize = 2000;

/// Domains, address ranges or peers of one thing: a form holds them, one a line.
pub const LINES_MAX: usize = 100;

/// How deep the agency tree may be: province, agency, unit, sub-unit and a little more. Also stops a
/// walk that a damaged table would send in circles.
pub const TREE_DEPTH_MAX: usize = 10;

/// Agencies, systems or sources read at once into memory or into an export: a province of 200
/// communes has some thousands.
pub const ROWS_MAX: u64 = 50_000;

/// Rows of an exported dead-letter or audit list.
pub const EXPORT_ROWS_MAX: u64 = 10_000;

/// Dead letters replayed by one press: each goes through the decoder while the reader waits.
pub const REPLAY_MAX: u64 = 500;

/// Bytes of a dead letter shown on its page; the whole can be downloaded.
pub const DEAD_LETTER_SHOWN_BYTES: usize = 4096;

/// Shortest silence that can be asked to be reported: the health is flushed and looked at every few
/// seconds, anything shorter is noise.
pub const SILENCE_MIN_S: i32 = 60;

/// Longest: a month; whoever wants more wants no watch.
pub const SILENCE_MAX_S: i32 = 31 * 86_400;

/// Minutes of counts kept in memory for the small line beside a source.
pub const SPARK_MINUTES: usize = 60;

/// How long the counts per minute are kept in the database.
pub const COUNTER_DAYS: i64 = 35;

/// Longest text of a profile's part: zones, services and models of a large system fill some pages.
pub const LONG_TEXT_CHARS_MAX: usize = 20_000;

/// Ids named in one query: below SQLite's 32,766 variables, and few enough to plan quickly.
pub const IDS_PER_QUERY: usize = 1000;

/// Papers or overrides of one system that a page shows.
pub const PAPERS_MAX: u64 = 500;

/// Longest override of the go-live gate, in days: whoever wants longer must decide again.
pub const OVERRIDE_DAYS_MAX: u64 = 180;

/// Past changes shown on a page; the whole stands in the audit log.
pub const HISTORY_SHOWN: u64 = 20;

/// Longest electronic identifier of an agency. Source: QĐ 20/2020/QĐ-TTg.
pub const IDENTIFIER_CHARS_MAX: usize = 35;

/// Former names read of one agency: a reform every few years for a century.
pub const FORMER_NAMES_MAX: u64 = 50;

/// Days for which the quality of data is kept: a year and the month in which its report is made.
pub const QUALITY_DAYS: u64 = 400;

/// Days of the trend on the page of data quality: a quarter.
pub const QUALITY_SHOWN_DAYS: u64 = 90;

/// Rows of the trend read at once: a quarter of a province with 400 agencies.
pub const QUALITY_ROWS_MAX: u64 = 40_000;

/// Next steps shown on the page of data quality: as many as one can decide upon.
pub const QUALITY_STEPS_SHOWN: usize = 12;

/// Rows of an imported spreadsheet: the systems of a large province.
pub const IMPORT_ROWS_MAX: usize = 5000;

/// Bytes that an imported spreadsheet may unpack to: 5,000 rows of 12 full columns take a tenth of it.
pub const IMPORT_UNPACKED_BYTES_MAX: u64 = 64 << 20;

/// Imports of one's own that the page lists.
pub const IMPORTS_SHOWN: u64 = 10;

/// Dossiers whose limit is near that are looked at in one round of reminding.
pub const DOSSIERS_REMINDED_MAX: u64 = 500;

/// Working days before the end of a dossier's limit at which people are reminded.
pub const DOSSIER_NEAR_DAYS: i64 = 2;

/// Longest text of an asset: a product's name or a purpose in a sentence.
pub const ASSET_TEXT_CHARS_MAX: usize = 500;

/// Assets read at once for matching or into an export: twice those of a large province.
pub const ASSETS_MAX: u64 = 100_000;

/// Assets of one system that its dossier lists; more make no document that is read.
pub const ASSETS_OF_SYSTEM_MAX: u64 = 300;

/// Days before the end of support at which an asset counts as one to be replaced: a budget's half year.
pub const SUPPORT_SOON_DAYS: u64 = 180;

/// Sources of one machine that the page of the machines names.
pub const LEASED_SHOWN: usize = 500;
