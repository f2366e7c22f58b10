//! The questions: a page of events, figures over many, events by id, SQL.

mod alike;
mod by_id;
mod calendar;
mod events;
mod fault;
mod footer_readers;
mod has_token;
mod histogram;
mod look;
mod moments;
mod page;
mod passed_over;
mod prune;
mod scoped;
pub(crate) mod spill;
mod sql;
mod stop;
mod summary;
mod table;
mod tally;
mod top;
mod weigh;
mod whole_numbers;

#[cfg(feature = "distributed")]
pub(crate) use footer_readers::FooterReaders;
#[cfg(feature = "distributed")]
pub(crate) use scoped::ScopedExec;
#[cfg(feature = "distributed")]
pub(crate) use sql::functions;
#[cfg(feature = "distributed")]
pub(crate) use table::PartRead;

pub(crate) use by_id::{events_by_id, events_in_file, known_ids};
pub(crate) use histogram::histogram;
pub(crate) use page::page;
pub(crate) use sql::{SqlLimits, SqlPlace, sql};
pub(crate) use stop::Stop;
pub(crate) use summary::{begin, summarise};
pub(crate) use top::{TopOf, top};
pub(crate) use weigh::weigh;
