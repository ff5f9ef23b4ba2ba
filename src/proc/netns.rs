//! The network of a new namespace, which begins with nothing but a loopback interface that is
//! down.

use std::io;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{Protocol, recv, send, socket_with};

/// `NETLINK_ROUTE`, whose number is 0, as if none was named.
const ROUTE: Option<Protocol> = None;
/// `RTM_NEWLINK`: change an interface, or make one.
const NEW_LINK: u16 = 16;
/// `NLM_F_REQUEST` and `NLM_F_ACK`: the kernel says whether it worked.
const REQUEST_AND_ACK: u16 = 1 | 4;
/// `NLMSG_ERROR`, which says that it worked too, by the number 0.
const ERROR: u16 = 2;
/// `IFF_UP`.
const UP: u32 = 1;
/// Loopback is the first interface of every namespace.
const LOOPBACK: u32 = 1;

const HEADER: usize = 16;
const LENGTH: usize = HEADER + 16;

/// Brings up the loopback interface of this thread's network namespace. Needs the rights of an
/// administrator in it, which whoever made it has.
pub(super) fn raise_loopback() -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        ROUTE,
    )?;
    send(&socket, &request(), SendFlags::empty())?;
    let mut answer = [0; 256];
    let (count, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    acknowledged(&answer[..count])
}

/// A `nlmsghdr` and an `ifinfomsg`, in the byte order of the machine.
fn request() -> Vec<u8> {
    let length = (LENGTH as u32).to_ne_bytes();
    let header = [
        length.as_slice(),
        &NEW_LINK.to_ne_bytes(),
        &REQUEST_AND_ACK.to_ne_bytes(),
    ];
    // The number of the request, and who sends it.
    let numbers = [0; 8];
    let any_kind = [0; 4];
    let flags_and_change = [UP.to_ne_bytes(), UP.to_ne_bytes()].concat();
    let interface = [
        any_kind.as_slice(),
        &LOOPBACK.to_ne_bytes(),
        &flags_and_change,
    ];
    [header.concat(), numbers.to_vec(), interface.concat()].concat()
}

/// Reads the kernel's word: a header of the type `ERROR` and a negative error number, or zero.
fn acknowledged(answer: &[u8]) -> io::Result<()> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let kind = answer.get(4..6).ok_or_else(malformed)?;
    let number = answer.get(HEADER..HEADER + 4).ok_or_else(malformed)?;
    let number: [u8; 4] = number.try_into().map_err(|_| malformed())?;
    match i32::from_ne_bytes(number) {
        _ if kind != ERROR.to_ne_bytes() => Err(malformed()),
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number.saturating_neg())),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;

    use super::*;

    const INSIDE: &str = "TREEYARD_TEST_IN_A_NAMESPACE";

    /// This test again, in a namespace of its own.
    #[test]
    fn loopback_of_a_new_namespace_is_raised() {
        if std::env::var_os(INSIDE).is_some() {
            return raise_and_connect();
        }
        let unshare = |line: &[&std::ffi::OsStr]| {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--net", "--"]);
            command.args(line).env(INSIDE, "1").output()
        };
        if !unshare(&["true".as_ref()]).is_ok_and(|output| output.status.success()) {
            println!("skipped: no namespaces can be made here");
            return;
        }
        let tests = std::env::current_exe().unwrap();
        let name = "proc::netns::tests::loopback_of_a_new_namespace_is_raised";
        let output = unshare(&[tests.as_os_str(), "--exact".as_ref(), name.as_ref()]).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }

    fn raise_and_connect() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        assert!(TcpStream::connect(at).is_err(), "it is up already");
        raise_loopback().unwrap();
        TcpStream::connect(at).unwrap();
        raise_loopback().unwrap();
    }

    #[test]
    fn the_word_of_the_kernel_is_understood() {
        let answer = |kind: u16, number: i32| {
            let mut answer = vec![0; HEADER + 20];
            answer[4..6].copy_from_slice(&kind.to_ne_bytes());
            answer[HEADER..HEADER + 4].copy_from_slice(&number.to_ne_bytes());
            acknowledged(&answer)
        };
        assert!(answer(ERROR, 0).is_ok());
        let denied = answer(ERROR, -1).unwrap_err();
        assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
        assert!(answer(ERROR, i32::MIN).is_err());
        assert!(answer(NEW_LINK, 0).is_err());
        for length in 0..HEADER + 4 {
            assert!(acknowledged(&vec![0; length]).is_err());
        }
        assert_eq!(request().len(), LENGTH);
    }
}
