//! What secrets look like that nobody configured: the word that each begins with, and its shape.

use std::sync::LazyLock;

use super::prefilter::Starts;
use super::shapes::{
    self, Found, Site, aws_id, basic, bearer, header, is_base64url, is_token, jwt, key_block,
    random_token, token, url,
};

type Shape = fn(&Site<'_>) -> Option<Found>;

/// A kind of secret.
pub(super) struct Rule {
    /// What stands in its place.
    pub name: &'static str,
    /// How it begins, in small letters if case does not count.
    pub anchor: &'static str,
    /// Whether capital letters are the same as small ones.
    pub any_case: bool,
    /// Looks at what begins with the anchor.
    pub shape: Shape,
}

impl Rule {
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        let start = bytes.get(..self.anchor.len());
        start.is_some_and(|start| match self.any_case {
            true => start.eq_ignore_ascii_case(self.anchor.as_bytes()),
            false => start == self.anchor.as_bytes(),
        })
    }
}

/// All kinds, and where they may begin.
pub(super) struct Rules {
    pub all: Vec<Rule>,
    pub starts: Starts,
}

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let all = all();
    let starts = Starts::new(all.iter().map(|rule| rule.anchor.as_bytes()));
    Rules { all, starts }
});

/// What may stand in place of something.
pub(super) fn rule_names() -> impl Iterator<Item = &'static str> {
    RULES.all.iter().map(|rule| rule.name)
}

fn all() -> Vec<Rule> {
    let exact = |name, anchor, shape| Rule {
        name,
        anchor,
        any_case: false,
        shape,
    };
    let any_case = |name, anchor, shape| Rule {
        name,
        anchor,
        any_case: true,
        shape,
    };
    let mut rules = vec![
        exact("redacted", "[redacted:", shapes::replaced),
        exact("private-key", shapes::BEGIN, key_block),
        exact("github-token", "github_pat_", |site| {
            token(site, 11, 22, is_token)
        }),
        exact("gitlab-token", "glpat-", |site| {
            token(site, 6, 20, is_base64url)
        }),
        exact("stripe-key", "whsec_", |site| token(site, 6, 24, is_token)),
        exact("npm-token", "npm_", |site| token(site, 4, 36, is_token)),
        exact("pypi-token", "pypi-AgE", |site| {
            token(site, 8, 40, is_base64url)
        }),
        exact("google-key", "AIza", |site| {
            token(site, 4, 35, is_base64url)
        }),
        exact("google-key", "GOCSPX-", |site| {
            token(site, 7, 24, is_base64url)
        }),
        exact("age-key", "AGE-SECRET-KEY-1", |site| {
            token(site, 16, 50, is_token)
        }),
        exact("api-key", "sk-", |site| random_token(site, 3, 20)),
        exact("jwt", "eyJ", jwt),
        exact("url-password", "://", url),
        exact("slack-webhook", "hooks.slack.com/services/", |site| {
            token(site, 25, 20, |byte| is_token(byte) || byte == b'/')
        }),
        any_case("authorization", "authorization", header),
        any_case("authorization", "bearer", bearer),
        any_case("authorization", "basic", basic),
    ];
    for anchor in ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"] {
        rules.push(exact("github-token", anchor, |site| {
            token(site, 4, 36, is_token)
        }));
    }
    for anchor in ["gldt-", "glrt-", "glft-"] {
        rules.push(exact("gitlab-token", anchor, |site| {
            token(site, 5, 20, is_base64url)
        }));
    }
    for anchor in [
        "xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-",
    ] {
        rules.push(exact("slack-token", anchor, |site| {
            random_token(site, 5, 10)
        }));
    }
    for anchor in ["sk_live_", "sk_test_", "rk_live_", "rk_test_"] {
        rules.push(exact("stripe-key", anchor, |site| {
            token(site, 8, 16, is_token)
        }));
    }
    for anchor in ["AKIA", "ASIA", "ABIA", "ACCA"] {
        rules.push(exact("aws-key-id", anchor, aws_id));
    }
    let words: [(&str, Shape); 11] = [
        ("pass", |site| shapes::assigned(site, 4)),
        ("pwd", shapes::pwd),
        ("secret", |site| shapes::assigned(site, 6)),
        ("token", |site| shapes::assigned(site, 5)),
        ("apikey", |site| shapes::assigned(site, 6)),
        ("api_key", |site| shapes::assigned(site, 7)),
        ("api-key", |site| shapes::assigned(site, 7)),
        ("access_key", |site| shapes::assigned(site, 10)),
        ("accesskey", |site| shapes::assigned(site, 9)),
        ("private_key", |site| shapes::assigned(site, 11)),
        ("credential", |site| shapes::assigned(site, 10)),
    ];
    rules.extend(words.map(|(anchor, shape)| any_case("assignment", anchor, shape)));
    rules
}
