//! Programs that people use, over the proxy.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::super::environment;
use super::{Served, read_request, serve, server};

/// A server of the files below `root`.
fn files(root: PathBuf) -> SocketAddr {
    server(move |mut stream| {
        let request = read_request(&mut stream);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let (status, body) = match fs::read(root.join(path.trim_start_matches('/'))) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", Vec::new()),
        };
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n"
        );
        let _ = stream.write_all(&body);
    })
}

/// Runs a program with the variables of the proxy and few others; `None` when it is not there.
fn run(proxy: &Served, folder: &Path, line: &[&str]) -> Option<Output> {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).current_dir(folder).env_clear();
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env("PATH", path).env("HOME", folder);
    command.env("GIT_CONFIG_NOSYSTEM", "1");
    command.envs(environment(proxy.at.port()));
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {} cannot be run: {error}", line[0]);
            None
        }
    }
}

#[test]
fn curl_goes_through_it_in_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "content").unwrap();
    let at = files(folder.path().to_owned());
    let host = format!("up.test:{}", at.port());
    let proxy = serve(&[&host, &at.to_string()]);
    let url = format!("http://{host}/file");
    let evil = "http://evil.test/file";
    for tunnel in [&[][..], &["--proxytunnel"]] {
        let get = |url| {
            let line = [&["curl", "-sS"], tunnel, &[url]].concat();
            run(&proxy, folder.path(), &line)
        };
        let Some(output) = get(&url) else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "content", "{said}");
        let output = get(evil).unwrap();
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8_lossy(&all);
        assert!(
            all.contains("403") || all.contains("not among the hosts"),
            "{all}"
        );
    }
    assert_eq!(proxy.noted.lock().unwrap().len(), 1);
}

#[test]
fn git_clones_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("it.git");
    let at = files(folder.path().to_owned());
    let host = format!("up.test:{}", at.port());
    let proxy = serve(&[&host, &at.to_string()]);
    let git = |line: &[&str]| {
        let who = ["git", "-c", "user.name=x", "-c", "user.email=x@x"];
        run(&proxy, folder.path(), &[&who, line].concat())
    };
    let Some(_) = git(&["init", "-q", "work"]) else {
        return;
    };
    let done = |line: &[&str]| {
        let output = git(line).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line:?}: {said}");
    };
    done(&["-C", "work", "commit", "-q", "--allow-empty", "-m", "first"]);
    done(&["clone", "-q", "--bare", "work", "it.git"]);
    done(&["-C", bare.to_str().unwrap(), "update-server-info"]);
    let helper = git(&["remote-http"]).unwrap();
    if String::from_utf8_lossy(&helper.stderr).contains("not a git command") {
        println!("skipped: git has no support for HTTP");
        return;
    }
    done(&["clone", "-q", &format!("http://{host}/it.git"), "clone"]);
    done(&["-C", "clone", "rev-parse", "--verify", "HEAD"]);
    let refused = git(&["clone", "-q", "http://evil.test/it.git", "other"]).unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("403"), "{said}");
}
