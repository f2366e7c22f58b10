//! The country's administrative units since 01/07/2025: 34 provinces and cities, 3,321 communes, wards
//! and special zones, with the codes of QĐ 19/2025/QĐ-TTg. They ship as data
//! (`content/admin_units/units.csv`); which of them is ours is the choice of an installation.

mod actions;
mod routes;
mod views;

use std::sync::LazyLock;

use event::fold::fold;

pub(crate) use routes::routes;

const BUILTIN: &str = include_str!("../../../../content/admin_units/units.csv");

static UNITS: LazyLock<Units> = LazyLock::new(|| Units::read(BUILTIN));

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitKind {
    /// A province.
    Province,
    /// A city of the province's rank.
    City,
    /// A commune.
    Commune,
    /// A ward.
    Ward,
    /// A special zone.
    SpecialZone,
}

impl UnitKind {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "province" => Some(Self::Province),
            "city_central" => Some(Self::City),
            "commune" => Some(Self::Commune),
            "ward" => Some(Self::Ward),
            "special_zone" => Some(Self::SpecialZone),
            _ => None,
        }
    }

    /// Returns what stands before the name in Vietnamese: the units' official names are Vietnamese.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Province => "Tỉnh",
            Self::City => "Thành phố",
            Self::Commune => "Xã",
            Self::Ward => "Phường",
            Self::SpecialZone => "Đặc khu",
        }
    }
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Two digits for a province, five for what is below it; text, because it begins with zeros.
    pub code: String,
    /// Its name without what stands before it.
    pub name: String,
    /// What it is.
    pub kind: UnitKind,
    /// The province's code; `None` for a province.
    pub province: Option<String>,
    folded: String,
}

impl Unit {
    /// Returns its name with what stands before it: `Phường Thành Sen`.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.kind.prefix(), self.name)
    }

    /// Returns a code for an agency of this unit: `phuong-thanh-sen`.
    pub fn agency_code(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let code: String = fold(&self.full_name()).chars().map(plain).collect();
        code.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    }
}

/// All units.
#[derive(Debug, Clone, Default)]
pub struct Units {
    all: Vec<Unit>,
}

impl Units {
    /// Returns the units that come with the platform.
    pub fn builtin() -> &'static Self {
        &UNITS
    }

    /// Reads `code,name,level,parent` lines; a line that does not fit is passed over and told.
    pub fn read(text: &str) -> Self {
        let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1);
        let mut all = Vec::new();
        for row in rows {
            if let Some(unit) = unit(row) {
                all.push(unit);
            } else {
                tracing::warn!(row, "an administrative unit cannot be read");
            }
        }
        Self { all }
    }

    /// Returns a unit.
    pub fn get(&self, code: &str) -> Option<&Unit> {
        self.all.iter().find(|unit| unit.code == code)
    }

    /// Returns the provinces, in the order of their codes.
    pub fn provinces(&self) -> impl Iterator<Item = &Unit> {
        self.all.iter().filter(|unit| unit.province.is_none())
    }

    /// Returns the units of a province.
    pub fn of<'a>(&'a self, province: &'a str) -> impl Iterator<Item = &'a Unit> {
        self.all.iter().filter(move |unit| unit.province.as_deref() == Some(province))
    }

    /// Returns the units that fit what was typed, with or without marks, within a province if one is
    /// given: first those whose marks are typed right, then those that begin so, then the others.
    pub fn find(&self, typed: &str, province: Option<&str>) -> Vec<&Unit> {
        let (exact, folded) = (typed.trim().to_lowercase(), fold(typed.trim()));
        let fits = |unit: &&Unit| {
            province.is_none_or(|code| unit.code == code || unit.province.as_deref() == Some(code))
                && (unit.folded.contains(&folded) || unit.code.starts_with(&folded))
        };
        let mut found: Vec<&Unit> = self.all.iter().filter(fits).collect();
        found.sort_by_cached_key(|unit| {
            let marked = unit.full_name().to_lowercase().contains(&exact);
            let begins = fold(&unit.name).starts_with(&folded);
            (!marked, !begins, unit.kind, unit.folded.clone(), unit.code.clone())
        });
        found
    }
}

fn unit(row: &str) -> Option<Unit> {
    let parts: Vec<&str> = row.split(',').collect();
    let [code, name, kind, parent] = parts.as_slice() else { return None };
    let kind = UnitKind::from_word(kind)?;
    let province = matches!(kind, UnitKind::Commune | UnitKind::Ward | UnitKind::SpecialZone)
        .then(|| (*parent).to_owned());
    let folded = fold(&format!("{} {name}", kind.prefix()));
    Some(Unit { code: (*code).to_owned(), name: (*name).to_owned(), kind, province, folded })
}

#[cfg(test)]
mod tests;
