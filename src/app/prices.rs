//! What models cost, as far as that is known here.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use jiff::civil::Date;

use super::failure::Failure;
use crate::config::{known_prices, price_table, read_plan_file};
use crate::model::code::Code;
use crate::model::price::{PriceTable, Prices};

const FILE: &str = "prices.toml";

/// Where prices are kept besides the built-in ones.
#[derive(Debug, Clone)]
pub struct Places {
    /// What a person wrote themselves, beside their settings.
    pub own: PathBuf,
    /// The table that was installed.
    pub installed: PathBuf,
}

/// A table that was installed.
#[derive(Debug)]
pub struct Installed {
    /// Where it is now.
    pub path: PathBuf,
    /// What it says.
    pub table: PriceTable,
    /// Its providers for which a later table is known, so that it changes nothing for their models.
    pub outdated: Vec<String>,
}

/// Where this person's prices are kept.
///
/// # Errors
/// No home directory.
pub fn places() -> Result<Places, Failure> {
    let folders = etcetera::choose_base_strategy()
        .map_err(|error| Failure::new(Code::ConfigInvalid, error.to_string()))?;
    Ok(Places {
        own: folders.config_dir().join("treeyard").join(FILE),
        installed: folders.data_dir().join("treeyard").join(FILE),
    })
}

/// All prices that are known.
///
/// # Errors
/// A table that cannot be read, with what is wrong in it.
pub fn known(places: &Places) -> Result<Prices, Failure> {
    let read = known_prices(Some(&places.own), Some(&places.installed));
    read.map_err(|error| {
        Failure::from(error)
            .hint("correct the file, or remove it: the built-in prices are always there")
    })
}

/// Checks a table and puts it in the place of the one that was installed before.
///
/// # Errors
/// A file that cannot be read or is no table of prices, or a folder that cannot be written to.
pub fn update(file: &Path, places: &Places) -> Result<Installed, Failure> {
    let bytes = read_plan_file(file).map_err(|error| Failure::io(file, &error))?;
    let table = price_table(&bytes, file)
        .map_err(|error| Failure::from(error).hint("correct the file; nothing was installed"))?;
    if table.providers.is_empty() {
        let message = format!("{} has no prices in it", file.display());
        return Err(Failure::new(Code::ConfigInvalid, message)
            .hint("they stand under `[provider.NAME.models]`"));
    }
    let before = known_prices(None, None)?;
    put(&bytes, &places.installed).map_err(|error| Failure::io(&places.installed, &error))?;
    Ok(Installed {
        path: places.installed.clone(),
        outdated: outdated(&table, &before),
        table,
    })
}

/// All or nothing, also when the machine stops in the middle.
pub(super) fn put(bytes: &[u8], path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(bytes)?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    fs::File::open(folder)?.sync_all()
}

fn outdated(table: &PriceTable, before: &Prices) -> Vec<String> {
    let later = |name: &str| -> Option<Date> {
        let known = before
            .tables
            .iter()
            .filter_map(|table| table.providers.get(name));
        known.filter_map(|of| of.as_of).max()
    };
    let older = table
        .providers
        .iter()
        .filter(|(name, of)| of.as_of < later(name));
    older.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places {
            own: dir.path().join("config/prices.toml"),
            installed: dir.path().join("data/deeper/prices.toml"),
        };
        (dir, places)
    }

    fn table(as_of: &str) -> String {
        format!(
            "format = 1\n[provider.openai]\nas_of = {as_of}\n[provider.openai.models]\ngpt-5 = {{ input = 7, output = 8 }}\n"
        )
    }

    #[test]
    fn a_newer_table_counts_and_an_older_one_is_told() {
        let (dir, places) = in_folder();
        let file = dir.path().join("new.toml");
        for (as_of, outdated, price) in [("2099-01-01", 0, 7_000_000), ("2020-01-01", 1, 1_250_000)]
        {
            fs::write(&file, table(as_of)).unwrap();
            assert_eq!(update(&file, &places).unwrap().outdated.len(), outdated);
            let prices = known(&places).unwrap();
            let known = prices.known();
            let found = known.iter().find(|entry| entry.pattern.as_str() == "gpt-5");
            assert_eq!(found.unwrap().tariff.price.input.0, price);
        }
    }

    #[test]
    fn what_is_no_table_replaces_nothing() {
        let (dir, places) = in_folder();
        let file = dir.path().join("new.toml");
        fs::write(&file, table("2099-01-01")).unwrap();
        update(&file, &places).unwrap();
        let before = fs::read(&places.installed).unwrap();
        for wrong in ["", "format = 1", "format = 1\n[provider.openai]\nas_of = 1"] {
            fs::write(&file, wrong).unwrap();
            assert_eq!(
                update(&file, &places).unwrap_err().code,
                Code::ConfigInvalid
            );
        }
        let gone = dir.path().join("gone");
        assert_eq!(update(&gone, &places).unwrap_err().code, Code::FileMissing);
        assert_eq!(fs::read(&places.installed).unwrap(), before);
        let folder = places.installed.parent().unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
