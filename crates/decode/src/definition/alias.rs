//! `[alias]`: other names for fields, so that rules which spell a field otherwise (`operationName`,
//! `OperationName`) find it too. Only adds fields; what the source wrote is never changed.

use event::{Fields, Name, Value};

use crate::plain::is_path_of;

/// Other names, each with the fields it may be copied from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aliases(Vec<(Name, Vec<Own>)>);

/// Where an alias takes its value from.
#[derive(Debug, Clone)]
enum Own {
    /// The field of this name.
    Field(String),
    /// All values of the fields below this dotted prefix, as one list: a rule that searches a whole
    /// object (`requestParameters|contains`) searches these.
    Below(String),
    /// The members of the field of this name, joined by blanks: arguments become a command line.
    Joined(String),
    /// Two fields joined by a slash, of Windows' kind behind a folder of Windows: a folder and a file's name.
    Path(String, String),
    /// The members of the fields of these names, of which the first is there, joined by blanks: a command and its
    /// arguments.
    Words(Vec<String>),
    /// This text: what a source leaves out because all its records have it.
    Said(String),
}

impl Aliases {
    /// Returns the aliases as the file lists them: `name.*` stands for all fields below `name.`,
    /// `name[]` for its members joined by blanks, `command + arguments` for those of several fields, `folder/name` for
    /// two fields joined by a slash, `=text` for the text itself.
    pub(super) fn new(all: Vec<(Name, Vec<String>)>) -> Self {
        let own = |name: String| {
            if let Some(text) = name.strip_prefix('=') {
                Own::Said(text.to_owned())
            } else if let Some(prefix) = name.strip_suffix('*') {
                Own::Below(prefix.to_owned())
            } else if let Some(list) = name.strip_suffix("[]") {
                Own::Joined(list.to_owned())
            } else if name.contains(" + ") {
                Own::Words(name.split(" + ").map(str::to_owned).collect())
            } else if let Some((first, second)) = name.split_once('/') {
                Own::Path(first.to_owned(), second.to_owned())
            } else {
                Own::Field(name)
            }
        };
        let all = all.into_iter().map(|(name, sources)| {
            let sources = sources.into_iter().map(own).collect();
            (name, sources)
        });
        Self(all.collect())
    }

    /// Returns whether what stands at a path of a record may become the value of an alias, itself or by way of other
    /// aliases.
    pub(crate) fn may_take(&self, alias: &str, path: &str) -> bool {
        self.may_take_before(self.0.len(), alias, path)
    }

    /// Returns the same of the first aliases: each is made of fields that are there before it.
    fn may_take_before(&self, end: usize, alias: &str, path: &str) -> bool {
        let before = self.0.get(..end).unwrap_or_default().iter().enumerate();
        before.filter(|(_, (name, _))| name == alias).any(|(at, (_, sources))| {
            sources.iter().any(|own| {
                own.is_at(path) || own.names().any(|name| self.may_take_before(at, name, path))
            })
        })
    }

    /// Adds each alias that is not there yet, from the first of its fields that is.
    pub(crate) fn add_to(&self, fields: &mut Fields) {
        for (name, sources) in &self.0 {
            if fields.get(name).is_some() {
                continue;
            }
            if let Some(value) = sources.iter().find_map(|own| own.read(fields)) {
                fields.set(name.clone(), value);
            }
        }
    }
}

impl Own {
    /// Returns the names of the fields that it is made of, where it says them.
    fn names(&self) -> impl Iterator<Item = &str> {
        let none: &[String] = &[];
        let (first, others) = match self {
            Self::Field(name) | Self::Joined(name) => (Some(name), none),
            Self::Path(folder, file) => (Some(folder), std::slice::from_ref(file)),
            Self::Words(names) => (None, names.as_slice()),
            Self::Below(_) | Self::Said(_) => (None, none),
        };
        first.into_iter().chain(others).map(String::as_str)
    }

    /// Returns whether a field that it is made of may stand at a path of a record.
    fn is_at(&self, path: &str) -> bool {
        if let Self::Below(prefix) = self {
            return path.match_indices(prefix.as_str()).any(|(at, _)| {
                path.get(..at).is_some_and(|before| before.is_empty() || before.ends_with('.'))
            });
        }
        self.names().any(|name| is_path_of(path, name))
    }

    fn read(&self, fields: &Fields) -> Option<Value> {
        match self {
            Self::Field(name) => fields.get(name).cloned(),
            Self::Joined(name) => Some(joined(fields.get(name)?.members())),
            Self::Words(names) => {
                fields.get(names.first()?)?;
                let values = names.iter().filter_map(|name| fields.get(name));
                Some(joined(values.flat_map(Value::members)))
            }
            Self::Path(folder, file) => {
                let (folder, file) = (fields.get(folder)?.text(), fields.get(file)?.text());
                let is_of_windows = folder.contains('\\') && !folder.contains('/');
                let slash = if is_of_windows { '\\' } else { '/' };
                Some(Value::Text(format!("{}{slash}{file}", folder.trim_end_matches(slash))))
            }
            Self::Said(text) => Some(Value::Text(text.clone())),
            Self::Below(prefix) => {
                let below = fields.iter().filter(|(name, _)| name.starts_with(prefix.as_str()));
                let members: Vec<Value> =
                    below.flat_map(|(_, value)| value.members().iter().cloned()).collect();
                (!members.is_empty()).then_some(Value::List(members))
            }
        }
    }
}

fn joined<'v, I: IntoIterator<Item = &'v Value>>(members: I) -> Value {
    let members: Vec<_> = members.into_iter().map(Value::text).collect();
    Value::Text(members.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_added_where_the_name_is_free() {
        let aliases = Aliases::new(vec![
            ("Op".into(), vec!["op".to_owned(), "operation".to_owned()]),
            ("taken".into(), vec!["op".to_owned()]),
            ("all".into(), vec!["deep.*".to_owned()]),
            ("line".into(), vec!["deep.b[]".to_owned()]),
            (
                "words".into(),
                vec!["absent + op".to_owned(), "operation + absent + deep.b".to_owned()],
            ),
            ("path".into(), vec!["taken/operation".to_owned()]),
            ("windows".into(), vec!["folder/operation".to_owned()]),
            ("said".into(), vec!["absent".to_owned(), "=admin.example/b[]*".to_owned()]),
            ("none".into(), vec!["absent".to_owned(), "absent.*".to_owned()]),
        ]);
        let mut fields: Fields = [
            ("operation", Value::from("write")),
            ("taken", Value::from("own")),
            ("folder", Value::from(r"C:\Temp\")),
            ("deep.a", Value::Int(1)),
            ("deep.b", Value::List(vec!["x".into(), "y".into()])),
        ]
        .into_iter()
        .collect();
        aliases.add_to(&mut fields);
        assert_eq!(fields.get("Op"), Some(&"write".into()));
        assert_eq!(fields.get("taken"), Some(&"own".into()));
        let all = Value::List(vec![Value::Int(1), "x".into(), "y".into()]);
        assert_eq!(fields.get("all"), Some(&all));
        assert_eq!(fields.get("line"), Some(&"x y".into()));
        assert_eq!(fields.get("words"), Some(&"write x y".into()));
        assert_eq!(fields.get("path"), Some(&"own/write".into()));
        assert_eq!(fields.get("windows"), Some(&r"C:\Temp\write".into()));
        assert_eq!(fields.get("said"), Some(&"admin.example/b[]*".into()));
        assert_eq!(fields.get("none"), None);
    }

    #[test]
    fn what_an_alias_may_be_made_of_is_known() {
        let aliases = Aliases::new(vec![
            ("op".into(), vec!["operation.value".to_owned(), "Operation".to_owned()]),
            ("Op".into(), vec!["op".to_owned()]),
            ("all".into(), vec!["deep.*".to_owned()]),
            ("line".into(), vec!["args[]".to_owned()]),
            ("path".into(), vec!["folder/Op".to_owned()]),
            ("words".into(), vec!["args + Op".to_owned()]),
            ("self".into(), vec!["self".to_owned(), "later".to_owned()]),
            ("later".into(), vec!["own".to_owned()]),
            ("fixed".into(), vec!["=own".to_owned()]),
        ]);
        for (alias, path, want) in [
            ("op", "operation.value", true),
            ("op", "_source.operation.value", true),
            ("op", "operation", false),
            ("op", "xOperation", false),
            ("Op", "Operation", true),
            ("all", "_source.deep.a.b", true),
            ("all", "too_deep.a", false),
            ("line", "args", true),
            ("path", "folder", true),
            ("path", "Operation", true),
            ("words", "args", true),
            ("words", "Operation", true),
            ("words", "folder", false),
            ("self", "self", true),
            ("self", "own", false),
            ("fixed", "own", false),
            ("unknown", "own", false),
        ] {
            assert_eq!(aliases.may_take(alias, path), want, "{alias} {path}");
        }
    }
}
