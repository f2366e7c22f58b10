//! `luytre audit`: proves that the audit trail is whole, and prints what later proves it still is.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use db::audit::{Anchor, Mark};

use super::Outcome;
use crate::config::Config;

/// What to do with the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Follow the hash chain from the first entry to the last
    Verify {
        /// A mark printed on an anchor (`1234:9f86…`): the chain must still hold that very entry
        #[arg(long)]
        anchor: Vec<Mark>,
    },
    /// Print a month's anchor: sign it and put it away
    Anchor {
        /// The month in Vietnam, `2026-11`
        #[arg(long)]
        month: String,
    },
}

pub(crate) fn run(config: Config, command: &Command) -> Result<Outcome> {
    super::block_on(async move {
        let db = super::open_existing_db(&config).await?;
        match command {
            Command::Verify { anchor } => {
                let verdict = db::audit::verify_against(&db, anchor).await?;
                if let Some(bad) = verdict.first_bad {
                    println!("{} entries, the chain breaks at entry {bad}", verdict.entries);
                    return Ok(Outcome::NotInOrder);
                }
                if let Some(missed) = verdict.first_missed {
                    println!(
                        "{} entries, the chain is whole in itself but not the one that was anchored: \
                         entry {missed} is gone or differs",
                        verdict.entries
                    );
                    return Ok(Outcome::NotInOrder);
                }
                println!("{} entries, the chain is whole", verdict.entries);
                if !anchor.is_empty() {
                    println!("{} anchors borne out", anchor.len());
                }
                Ok(Outcome::Good)
            }
            Command::Anchor { month } => {
                let period = db::audit::month(month)
                    .with_context(|| format!("`{month}` is no month; write it as 2026-11"))?;
                let anchor = db::audit::anchor(&db, period).await?;
                print(&config.site.province, month, &anchor, db.now());
                Ok(Outcome::Good)
            }
        }
    })
}

/// Prints an anchor for paper, in both languages: the sheet outlives whoever printed it.
fn print(province: &str, month: &str, anchor: &Anchor, now: DateTime<Utc>) {
    let line = "_".repeat(32);
    println!("BẢN NEO NHẬT KÝ THAO TÁC / AUDIT ANCHOR");
    println!("{province} · Lũy Tre\n");
    println!("Tháng / month            {month}");
    println!("Từ / from                {}", vietnam(anchor.from));
    println!("Đến trước / until        {}", vietnam(anchor.to));
    println!("Số mục / entries         {}", anchor.entries);
    match &anchor.mark {
        Some(mark) => {
            println!("Mục cuối / last entry    {}", mark.seq);
            println!("Dấu / mark               {mark}\n");
            println!("Kiểm tra / check:  luytre audit verify --anchor {mark}\n");
        }
        None => println!("Chưa có mục nào / no entry yet\n"),
    }
    if now < anchor.to {
        println!("Tháng chưa kết thúc / the month is not over yet\n");
    }
    println!("In lúc / printed         {}\n", vietnam(now));
    println!("Người in / printed by    {line}");
    println!("Người chứng kiến / witness {line}");
}

fn vietnam(at: DateTime<Utc>) -> String {
    web::figures::vietnam(at).format("%H:%M %d/%m/%Y (UTC+7)").to_string()
}
