//! The configuration: its example, its errors, its overrides.

use super::*;

fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    read(Path::new("luytre.toml"), text, variables).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}\n{}", cause.unwrap_or_default())
    })
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let example = include_str!("../../../../luytre.example.toml");
    assert_eq!(read_with(example, &[]).unwrap(), Config::default());
    let default = toml::Value::try_from(Config::default()).unwrap();
    let mut keys = Vec::new();
    leaf_keys(&default, &mut keys);
    for key in keys {
        let shown = example.lines().any(|line| line.trim_start().starts_with(&format!("{key} = ")));
        assert!(shown, "`{key}` is not in luytre.example.toml");
    }
}

fn leaf_keys(value: &toml::Value, keys: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                if !matches!(value, toml::Value::Table(_))
                    && !value.as_array().is_some_and(|list| list.iter().any(toml::Value::is_table))
                {
                    keys.push(key.clone());
                }
                leaf_keys(value, keys);
            }
        }
        toml::Value::Array(list) => list.iter().for_each(|value| leaf_keys(value, keys)),
        _ => {}
    }
}

#[test]
fn variables_override_keys() {
    let variables = [
        ("LUYTRE_WEB__LISTEN", "0.0.0.0:1234"),
        ("LUYTRE_INTAKE__HTTP__BODY_BYTES_MAX", "1000"),
        ("LUYTRE_RULES__FOLDERS", "['/a', '/b']"),
        ("LUYTRE_SITE__PROVINCE", "Lạng Sơn"),
        ("LUYTRE_CONFIG", "/etc/luytre.toml"),
        ("OTHER__THING", "1"),
    ];
    let config = read_with("[web]\nlisten = '127.0.0.1:1'\ntls = true\n", &variables).unwrap();
    assert_eq!(config.web.listen.to_string(), "0.0.0.0:1234");
    assert!(config.web.tls);
    assert_eq!(config.intake.http.body_bytes_max, 1000);
    assert_eq!(config.rules.folders, [PathBuf::from("/a"), PathBuf::from("/b")]);
    assert_eq!(config.site.province, "Lạng Sơn");
}

/// The file, the environment, and what the error must name.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn what_is_wrong_is_named() {
    let syslog = "[[intake.syslog]]\nname = 'a'\nlisten = '0.0.0.0:1'\n";
    let cases: &[Case<'_>] = &[
        ("[web]\nlisten = '127.0.0.1:1'\nport = 3\n", &[], &["luytre.toml", "line 3", "port"]),
        ("[web]\nlisten = 'here'\n", &[], &["line 2", "socket address"]),
        ("[wbe]\n", &[], &["line 1", "wbe"]),
        ("", &[("LUYTRE_WEB__PORT", "3")], &["LUYTRE_WEB__PORT", "port"]),
        (&format!("{syslog}transport = 'tls'\n"), &[], &["listener `a` needs `certificate`"]),
        (&format!("{syslog}transport = 'udp'\n{syslog}transport = 'tcp'\n"), &[], &["called `a`"]),
        (
            &format!("{syslog}transport = 'udp'\nproxy_protocol_from = ['10.0.0.5/32']\n"),
            &[],
            &["listener `a`", "for `tcp` and `tls`"],
        ),
        ("[intake.http]\nproxy_protocol_from = ['10.0.0.5/33']\n", &[], &["line 2"]),
        ("[web]\nkey = '/k.pem'\n", &[], &["`web` needs both"]),
    ];
    for (text, variables, words) in cases {
        let error = read_with(text, variables).unwrap_err();
        for word in *words {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}

#[test]
fn a_password_is_never_printed() {
    let config = read_with("[database]\nurl = 'postgres://u:hunter2@h/d'\n", &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}
