//! What is known of models by their names: a small dated table that is built in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeValue;

use super::problem::Problem;
use super::reader::{Problems, Read, Section, parse};
use super::values::named_values;
use crate::model::price::ModelPattern;

const BUNDLED: &str = include_str!("models.toml");

const EXAMPLE: &str = "{ context = 32_768, output = 8_192 }";

/// What a model takes and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Tokens of a call, sent and answered.
    pub context: u32,
    /// Tokens of an answer.
    pub output: u32,
    /// Whether it sees pictures.
    pub vision: bool,
    /// Whether it can be asked to think.
    pub thinking: bool,
}

/// Of a model that nobody knows.
const CAREFUL: Known = Known {
    context: 32_768,
    output: 4_096,
    vision: false,
    thinking: false,
};

static TABLE: LazyLock<Vec<(ModelPattern, Known)>> = LazyLock::new(|| read(BUNDLED).0);

/// What is known of a model, or a careful guess. A name may have an owner in front, as in
/// `meta-llama/llama-4`.
pub(super) fn known(model: &str) -> Known {
    let plain = model.rsplit('/').next().unwrap_or(model);
    let fitting = TABLE.iter().filter(|(pattern, _)| pattern.matches(plain));
    let nearest = fitting.max_by_key(|(pattern, _)| pattern.weight());
    nearest.map_or(CAREFUL, |(_, known)| *known)
}

fn read(text: &str) -> (Vec<(ModelPattern, Known)>, Vec<Problem>) {
    let problems = Problems::default();
    let mut found = Vec::new();
    if let Some(root) = parse(text, &problems) {
        let mut top = Section::new(root.get_ref(), &problems);
        let _: (Option<u32>, Option<Date>, Option<Vec<String>>) =
            (top.take("format"), top.take("as_of"), top.take("sources"));
        let any = |_: &str, _: usize, _: &Problems| true;
        let models = top.raw("models");
        let models: Option<BTreeMap<String, Known>> =
            models.and_then(|models| named_values(models, EXAMPLE, any, &problems));
        let named = models.unwrap_or_default().into_iter();
        found.extend(named.map(|(name, known)| (ModelPattern::new(name), known)));
        top.finish();
    }
    (found, problems.finish(text))
}

impl Read for Known {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let mut section = Section::of(value, None, problems)?;
        let known = Self {
            context: section.take("context")?,
            output: section.take("output")?,
            vision: section.take("vision").unwrap_or(false),
            thinking: section.take("thinking").unwrap_or(false),
        };
        section.finish();
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_table_is_sound() {
        let (found, problems) = read(BUNDLED);
        assert!(problems.is_empty(), "{problems:?}");
        assert!(found.len() > 15);
        for (pattern, known) in found {
            assert!(known.output < known.context, "{pattern}");
        }
    }

    #[test]
    fn the_nearest_entry_counts_and_the_unknown_is_guessed_low() {
        for (model, context, output) in [
            ("claude-opus-5", 1_000_000, 128_000),
            ("claude-haiku-4-5-20251001", 200_000, 64_000),
            ("claude-opus-4-1", 200_000, 32_000),
            ("anthropic/claude-sonnet-5", 1_000_000, 128_000),
            ("gpt-5.1-2025-11-13", 400_000, 128_000),
            ("gpt-oss:20b", 32_768, 8_192),
            ("gpt-4o", 128_000, 16_384),
            ("something-else", 32_768, 4_096),
        ] {
            let found = known(model);
            assert_eq!((found.context, found.output), (context, output), "{model}");
        }
    }
}
