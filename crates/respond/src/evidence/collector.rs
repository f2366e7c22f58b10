//! The collector: a script for Linux and one for Windows that someone carries to a harmed machine on a stick.
//! It packs logs, processes, network, accounts and autoruns into one archive with a list of digests, which the
//! platform holds against the files when the archive is handed in.

use axum::response::Response;
use web::{AppError, Permission, Routes};

use crate::desk::Desk;
use crate::file;

/// For Linux: POSIX `sh`.
const LINUX: &str = include_str!("../../../../content/collector/thu-thap.sh");

/// For Windows: PowerShell as it comes with Windows 7 and newer.
const WINDOWS: &str = include_str!("../../../../content/collector/thu-thap.ps1");

/// Returns the routes of the scripts.
pub(super) fn routes() -> Routes<Desk> {
    Routes::new()
        .get("/collector/linux", Permission::IncidentJoin, linux)
        .doc("Returns the script that collects evidence on Linux")
        .get("/collector/windows", Permission::IncidentJoin, windows)
        .doc("Returns the script that collects evidence on Windows")
}

async fn linux() -> Result<Response, AppError> {
    Ok(file::answer("thu-thap", "sh", "text/x-shellscript", LINUX.into())?)
}

async fn windows() -> Result<Response, AppError> {
    // Without the mark Windows PowerShell reads Vietnamese as its own code page.
    let text = format!("\u{feff}{}", WINDOWS.replace('\n', "\r\n"));
    Ok(file::answer("thu-thap", "ps1", "text/plain; charset=utf-8", text.into_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Command, Output};

    use super::super::look;
    use super::*;

    fn run(folder: &Path, lang: &str) -> Output {
        let script = folder.join("thu-thap.sh");
        std::fs::write(&script, LINUX).unwrap();
        Command::new("sh")
            .arg(script)
            .args(["-y", "-d", "1", "-s", "5", "-l", lang])
            .output()
            .unwrap()
    }

    fn host() -> String {
        let named = Command::new("uname").arg("-n").output().unwrap();
        let name = String::from_utf8_lossy(&named.stdout).trim().to_owned();
        name.chars()
            .map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' })
            .collect()
    }

    #[test]
    fn what_it_packs_on_this_machine_agrees_with_its_own_list_and_a_break_is_gone_on_after() {
        let folder = tempfile::tempdir().unwrap();
        // A run that was broken off after the slowest step.
        let work = folder.path().join(format!("thu-thap-{}", host()));
        std::fs::create_dir_all(work.join(".xong")).unwrap();
        std::fs::write(work.join(".xong/traces"), "").unwrap();
        std::fs::create_dir_all(work.join("traces")).unwrap();
        std::fs::write(work.join("traces/recent-sha256.txt"), "from before the break\n").unwrap();
        let done = run(folder.path(), "vi");
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{said} {}", String::from_utf8_lossy(&done.stderr));
        assert!(said.contains("traces: đã có"), "{said}");
        assert!(!work.try_exists().unwrap(), "what is packed is taken away");
        let packed: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "gz"))
            .collect();
        assert_eq!(packed.len(), 1, "{packed:?}");
        let digest = file::sha256(std::fs::read(&packed[0]).unwrap());
        assert!(said.contains(&digest), "the digest is told");
        let facts = look::look(&crate::KeptFile::plain(&packed[0])).unwrap();
        assert_eq!(facts.kind, "tar");
        let manifest = facts.manifest.unwrap();
        assert_eq!(manifest.bad, Vec::<String>::new());
        assert!(manifest.good >= 5, "{manifest:?}");
        let names: Vec<&str> = facts.inside.iter().map(|one| one.name.as_str()).collect();
        for wanted in ["system/uname.txt", "processes/programs.txt", "traces/recent-sha256.txt"] {
            assert!(names.iter().any(|name| name.ends_with(wanted)), "{wanted}: {names:?}");
        }
    }

    #[test]
    fn a_wrong_call_is_refused_and_both_scripts_speak_both_languages() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("thu-thap.sh");
        std::fs::write(&script, LINUX).unwrap();
        let wrong = Command::new("sh").arg(&script).args(["-y", "-d", "ba"]).output().unwrap();
        assert_eq!(wrong.status.code(), Some(2));
        for text in [LINUX, WINDOWS] {
            for words in ["Đóng gói", "Packing", "MANIFEST.sha256", "Taking digests"] {
                assert!(text.contains(words), "{words}");
            }
        }
    }
}
