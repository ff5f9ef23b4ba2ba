//! How programs are told of the proxy.

/// What is reached without it: a session's own servers.
const DIRECT: &str = "localhost,127.0.0.1,::1";

/// Variables that hold the address of the proxy.
///
/// - `http_proxy` in lower case alone is read by curl (and so git) and wget; other programs
///   read upper case, or either.
/// - `ALL_PROXY` is for programs that look for no other.
/// - Cargo prefers `http.proxy` of its own settings and of git's to `https_proxy`, and its own
///   variable to all of them.
/// - npm and Yarn 1 prefer their settings likewise, and Yarn 2 and later read no others than
///   those that begin with `YARN_`.
const PROXIES: [&str; 11] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "CARGO_HTTP_PROXY",
    "npm_config_proxy",
    "npm_config_https_proxy",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
];

/// Variables that hold what is reached directly. There is none for Yarn 2, which fails when it
/// finds `YARN_NO_PROXY`.
const EXCEPTIONS: [&str; 3] = ["no_proxy", "NO_PROXY", "npm_config_noproxy"];

/// The variables for the programs of a session whose proxy listens on `port`. pip reads the
/// common ones; with its own (`PIP_PROXY`) it would forget the exceptions.
pub fn environment(port: u16) -> Vec<(String, String)> {
    let proxy = format!("http://127.0.0.1:{port}");
    let proxies = PROXIES.map(|name| (name, proxy.as_str()));
    let exceptions = EXCEPTIONS.map(|name| (name, DIRECT));
    // Node looks at none of them without this, and before 22.21 and 24 at none at all.
    let node = ("NODE_USE_ENV_PROXY", "1");
    let all = proxies.into_iter().chain(exceptions).chain([node]);
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
