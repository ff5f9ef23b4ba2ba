//! treeyard's own command line, called from inside of a session.

/// Commands by which a person says their word.
const WORDS: [&[&str]; 4] = [
    &["approve"],
    &["approvals", "allow"],
    &["consent", "allow"],
    &["locks", "override"],
];
/// Settings that no session has a say in.
const SETTINGS: [&str; 4] = ["agent.ask_from", "agent.allow", "sandbox.", "consent."];

/// Whether these arguments leave the sandbox or a person's word out.
pub(super) fn bypasses(args: &[String]) -> bool {
    let own = args.iter().take_while(|word| *word != "--");
    let own: Vec<&str> = own.map(String::as_str).collect();
    let mut given = own.iter().zip(own.iter().skip(1));
    let sets = |value: &str| SETTINGS.iter().any(|key| value.starts_with(key));
    let is_switch = |word: &&str| {
        let set = word.strip_prefix("--set=");
        *word == "--no-sandbox" || word.starts_with("--no-sandbox=") || set.is_some_and(sets)
    };
    let verbs: Vec<&str> = own
        .iter()
        .filter(|w| !w.starts_with('-'))
        .copied()
        .collect();
    own.iter().any(is_switch)
        || given.any(|(option, value)| *option == "--set" && sets(value))
        || WORDS.iter().any(|word| verbs.starts_with(word))
}
