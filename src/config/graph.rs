//! Cycles in `after`. No recursion: a plan may be a chain of any length.

/// Cycles among nodes `0..after.len()`, where `after[n]` are the nodes before `n`. Each starts at
/// its smallest node; no two share a node. Empty exactly when there is an order.
pub(super) fn cycles(after: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let stuck = stuck(after);
    let mut walk_of = vec![None; after.len()];
    let mut found = Vec::new();
    for start in (0..after.len()).filter(|node| stuck[*node]) {
        let mut path = Vec::new();
        let mut node = start;
        while walk_of[node].is_none() {
            walk_of[node] = Some(start);
            path.push(node);
            let Some(next) = after[node].iter().find(|next| stuck[**next]) else {
                break;
            };
            node = *next;
        }
        let Some(entry) = path.iter().position(|on_path| *on_path == node) else {
            continue;
        };
        let mut cycle = path.split_off(entry);
        let smallest = (0..cycle.len()).min_by_key(|at| cycle[*at]).unwrap_or(0);
        cycle.rotate_left(smallest);
        found.push(cycle);
    }
    found
}

/// Which nodes can never start, because what they wait for never ends.
fn stuck(after: &[Vec<usize>]) -> Vec<bool> {
    let mut waiting: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut followers = vec![Vec::new(); after.len()];
    for (node, before) in after.iter().enumerate() {
        before.iter().for_each(|b| followers[*b].push(node));
    }
    let mut ready: Vec<usize> = (0..after.len()).filter(|n| waiting[*n] == 0).collect();
    while let Some(node) = ready.pop() {
        for follower in &followers[node] {
            waiting[*follower] -= 1;
            if waiting[*follower] == 0 {
                ready.push(*follower);
            }
        }
    }
    waiting.into_iter().map(|count| count > 0).collect()
}
