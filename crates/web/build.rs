//! Fails with a clear message when the front-end files are missing, and rebuilds when text or static
//! files change (the compiler does not see files that are new to a folder).

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    for folder in ["static", "static/vendor", "../../i18n/vi", "../../i18n/en", "templates"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    for file in ["tabler.css", "htmx.js", "echarts.js", "icons.svg"] {
        if !Path::new("static/vendor").join(file).is_file() {
            println!("cargo::error=static/vendor/{file} is missing: run `make assets` first");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
