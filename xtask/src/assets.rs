//! Copies what the pages load from `assets/node_modules` (put there by `npm ci`, by lock file) to
//! `crates/web/static/vendor`, where the build embeds it. Of the icons it takes only those that
//! templates and code name, as one sprite.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Files taken as they are: from `node_modules`, to `vendor`.
const FILES: [(&str, &str); 3] = [
    ("@tabler/core/dist/css/tabler.min.css", "tabler.css"),
    ("htmx.org/dist/htmx.min.js", "htmx.js"),
    ("echarts/dist/echarts.min.js", "echarts.js"),
];

/// Fonts: package, weights. Of each only the Vietnamese and Latin subsets.
const FONTS: [(&str, &[u16]); 2] =
    [("be-vietnam-pro", &[400, 500, 600, 700]), ("jetbrains-mono", &[400, 600])];

/// Fonts that printed documents carry with them; no page loads them.
const PRINT_FONTS: [(&str, &str); 4] = [
    ("400Regular/Tinos_400Regular.ttf", "tinos-regular.ttf"),
    ("400Regular_Italic/Tinos_400Regular_Italic.ttf", "tinos-italic.ttf"),
    ("700Bold/Tinos_700Bold.ttf", "tinos-bold.ttf"),
    ("700Bold_Italic/Tinos_700Bold_Italic.ttf", "tinos-bold-italic.ttf"),
];

/// Licences that go along with what is taken.
const LICENCES: [(&str, &str); 7] = [
    ("@tabler/icons/LICENSE", "tabler-icons"),
    ("htmx.org/LICENSE", "htmx"),
    ("echarts/LICENSE", "echarts"),
    ("echarts/NOTICE", "echarts (notice)"),
    ("@fontsource/be-vietnam-pro/LICENSE", "be-vietnam-pro"),
    ("@fontsource/jetbrains-mono/LICENSE", "jetbrains-mono"),
    ("@expo-google-fonts/tinos/LICENSE_FONT", "tinos"),
];

/// Copies everything; `root` is the root of the repository.
pub(crate) fn run(root: &Path) -> Result<()> {
    let modules = root.join("assets/node_modules");
    if !modules.try_exists()? {
        bail!("assets/node_modules is missing: run `npm ci --ignore-scripts` in assets/ first");
    }
    let vendor = root.join("crates/web/static/vendor");
    fs::create_dir_all(&vendor)?;
    for (from, to) in FILES {
        copy(&modules.join(from), &vendor.join(to))?;
    }
    for (font, weights) in FONTS {
        for subset in ["vietnamese", "latin"] {
            for weight in weights {
                let name = format!("{font}-{subset}-{weight}-normal.woff2");
                let from = modules.join(format!("@fontsource/{font}/files/{name}"));
                copy(&from, &vendor.join(name))?;
            }
        }
    }
    for (from, to) in PRINT_FONTS {
        copy(&modules.join("@expo-google-fonts/tinos").join(from), &vendor.join(to))?;
    }
    let mut licences = String::new();
    for (from, name) in LICENCES {
        let path = modules.join(from);
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        licences.push_str(&["=== ", name, " ===\n", &text, "\n\n"].concat());
    }
    write(&vendor.join("licences.txt"), &licences)?;
    write(&vendor.join("icons.svg"), &sprite(root, &modules)?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let new = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    // The map of a minified file is not shipped, so nothing should ask for it.
    let new = match String::from_utf8(new) {
        Ok(text) => without_map(&text).into_bytes(),
        Err(binary) => binary.into_bytes(),
    };
    write_bytes(to, &new)
}

fn without_map(text: &str) -> String {
    match text.rfind("sourceMappingURL=") {
        Some(_) => text
            .lines()
            .filter(|line| {
                !line.starts_with("//# sourceMappingURL=")
                    && !line.starts_with("/*# sourceMappingURL=")
            })
            .collect::<Vec<_>>()
            .join("\n"),
        None => text.to_owned(),
    }
}

fn write(to: &Path, text: &str) -> Result<()> {
    write_bytes(to, text.as_bytes())
}

/// Writes only what changed: an untouched file makes no crate rebuild.
fn write_bytes(to: &Path, new: &[u8]) -> Result<()> {
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    fs::write(to, new).with_context(|| format!("cannot write {}", to.display()))
}

const SYMBOL_BEFORE: &str = "<symbol id=\"";
const SYMBOL_AFTER: &str = "\" viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" \
    stroke-width=\"1.75\" stroke-linecap=\"round\" stroke-linejoin=\"round\">";

fn sprite(root: &Path, modules: &Path) -> Result<String> {
    let mut sprite = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\">\n");
    for name in named_icons(&root.join("crates"))? {
        let path = modules.join(format!("@tabler/icons/icons/outline/{name}.svg"));
        let Ok(svg) = fs::read_to_string(&path) else {
            bail!("Tabler has no outline icon \"{name}\", which a template names");
        };
        let inside = svg
            .split_once("<svg")
            .and_then(|(_, rest)| rest.split_once('>'))
            .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
            .map(|(inside, _)| inside)
            .with_context(|| format!("{} is not an icon", path.display()))?;
        let drawing = inside.split_whitespace().collect::<Vec<_>>().join(" ");
        sprite.push_str(&[SYMBOL_BEFORE, &name, SYMBOL_AFTER, &drawing, "</symbol>\n"].concat());
    }
    sprite.push_str("</svg>\n");
    Ok(sprite)
}

/// Returns every icon that a template (`"bell"|icon`) or code (`icon: "bell"`) names.
fn named_icons(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in files(folder)? {
        let text = fs::read_to_string(&file).unwrap_or_default();
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("html") => {
                for part in text.split("|icon").map(str::trim_end) {
                    let named = part.strip_suffix('"').and_then(|part| part.rsplit_once('"'));
                    names.extend(named.map(|(_, name)| name.to_owned()));
                }
            }
            Some("rs") => {
                for part in text.split("icon: \"").skip(1) {
                    names.extend(part.split('"').next().map(str::to_owned));
                }
            }
            _ => {}
        }
    }
    names.retain(|name| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    });
    Ok(names)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
