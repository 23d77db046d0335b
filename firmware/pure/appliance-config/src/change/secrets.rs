use toml_edit::{Item, TableLike};

use super::edit::remove;
use super::overlaid::dotted;
use super::{text, written};

/// A document without what nobody else may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// Its text; everything else in it is as it was written.
    pub config: String,
    /// The paths of what is missing: `secrets.values.oidc`.
    pub left_out: Vec<String>,
}

/// A document as it may leave the device: without the texts in `[secrets.values]` and the passwords in `[secrets.registries]`.
/// `None`: it is not TOML, and nobody can say what is secret in it.
pub fn without_secrets(config: &[u8]) -> Option<Public> {
    let (before, mut document) = text(config)?;
    let mut left_out = Vec::new();
    let root = document.as_item_mut();
    if let Some(values) = table(root, &["secrets", "values"]) {
        for name in names(values) {
            remove(values, &name);
            left_out.push(dotted(&["secrets".to_owned(), "values".to_owned(), name]));
        }
    }
    if let Some(registries) = table(root, &["secrets", "registries"]) {
        for name in names(registries) {
            let Some(login) = table(registries, &[&name]) else { continue };
            if login.get("password").is_some() {
                remove(login, "password");
                let path = ["secrets", "registries", &name, "password"].map(str::to_owned);
                left_out.push(dotted(&path));
            }
        }
    }
    let config = if left_out.is_empty() { before.to_owned() } else { written(before, &document) };
    Some(Public { config, left_out })
}

fn table<'i>(item: &'i mut Item, path: &[&str]) -> Option<&'i mut Item> {
    let found = path.iter().try_fold(item, |item, key| item.as_table_like_mut()?.get_mut(key))?;
    found.is_table_like().then_some(found)
}

fn names(table: &Item) -> Vec<String> {
    let entries = table.as_table_like().into_iter().flat_map(TableLike::iter);
    entries.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c10_part_secrets_are_left_out_however_they_are_written_and_named() {
        for (before, after, left_out) in [
            (
                "version = 1\n[secrets.values] # two\noidc = 's3cret' # turn it in May\n\"a b\" = '''\ns3cret\n'''\n\n# next\n[users]\n",
                "version = 1\n[secrets.values] # two\n\n# next\n[users]\n",
                &["secrets.values.oidc", "secrets.values.\"a b\""][..],
            ),
            (
                "secrets.values.x = 's3cret'\nsecrets.registries.\"r.example\" = { username = 'u', password = 's3cret' }\n",
                "secrets.values = {}\nsecrets.registries.\"r.example\" = { username = 'u' }\n",
                &["secrets.values.x", "secrets.registries.\"r.example\".password"],
            ),
            (
                "[secrets.registries.'r.example']\nusername = 'u'\npassword = 's3cret'\n",
                "[secrets.registries.'r.example']\nusername = 'u'\n",
                &["secrets.registries.\"r.example\".password"],
            ),
            ("# none\nversion = 1\n", "# none\nversion = 1\n", &[]),
            ("secrets = 1\n", "secrets = 1\n", &[]),
        ] {
            let public = without_secrets(before.as_bytes()).unwrap();
            assert_eq!(public.left_out, left_out, "{before}");
            assert_eq!(public.config, after);
            assert!(!public.config.contains("s3cret"));
        }
        assert_eq!(without_secrets(b"secrets = "), None);
    }
}
