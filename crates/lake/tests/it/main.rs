//! The lake from outside, as pipeline and domains use it: real files in a folder of their own.

mod answers;
mod crashes;
mod differential;
mod home;
mod merging;
mod round_trip;
mod sql;
