//! Text formats: each scanner turns a text into fields under the source's names.

pub(crate) mod access_log;
pub(crate) mod audit_types;
pub(crate) mod auditd;
pub(crate) mod cef;
pub(crate) mod delimited;
pub(crate) mod filterlog;
pub(crate) mod key_value;
pub(crate) mod leef;
pub(crate) mod readable;
