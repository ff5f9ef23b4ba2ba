# Models at work: what a turn costs besides the model, many answers that stream in at once, and sessions that wait.

part_turns() {
    new_repository "$scratch/models" "$small_files"
    printf 'a line to read\n' >"$scratch/models/read-me.txt"
    git -C "$scratch/models" add -A
    git -C "$scratch/models" commit --quiet -m 'Something to read'
    turn_figure
    waiting_figure
    stream_figure
}

# settings TABLES
settings() {
    mkdir -p "$XDG_CONFIG_HOME/treeyard"
    printf '%s\n' "$1" >"$XDG_CONFIG_HOME/treeyard/config.toml"
}

# scripted NAME TURNS: a model that reads a file so often, and then says that it is done.
scripted() {
    local at
    for ((at = 0; at < $2; at++)); do
        echo '{ call = "file.read", arguments = { path = "read-me.txt" } }'
    done | calling "$1"
}

# calling NAME: a model that makes the calls of standard input, one a line, and then says that it is done. Its tables.
calling() {
    {
        printf 'format = 1\n'
        sed 's/.*/[[step]]\nsay = [&]\nusage = { input = 9, output = 9 }/'
        printf '[[step]]\ntext = "Done."\nusage = { input = 9, output = 9 }\n'
    } >"$scratch/$1.toml"
    printf '[providers.%s]\nwire = "scripted"\nscript = "%s"\nmax_concurrent = 64\n[models.%s]\nprovider = "%s"\nmax_concurrent = 64\n' \
        "$1" "$scratch/$1.toml" "$1" "$1"
}

turn_figure() {
    local few=10 many=$((10 + turns))
    settings "$(scripted few "$few"; scripted many "$many"; printf '[agent]\nmax_steps = 10000')"
    each_round turn_round
    each_figure turn "a turn of a model with one call of a tool, all of it durable, milliseconds" "$turns" turns "$few" 5
}

turn_round() {
    local kind
    for kind in few many; do
        settle
        sample "${kind}_turns" ty "$scratch/models" run --quiet --name "$kind$round" --scope "$kind/**" \
            --model "$kind" --profile read-only --prompt 'Read it'
    done
}

# Sessions that answered and wait for the next message have no process. What is left is the runner's.
waiting_figure() {
    local repo="$scratch/models" pid before after at
    settings "$(scripted one 0)"
    pid=$(ty "$repo" up --json | grep -oE '"pid":[0-9]+' | cut -d: -f2)
    ty "$repo" run --quiet --name first --scope first --model one --prompt 'Say it' >"$scratch/out"
    before=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")
    for ((at = 0; at < waiting; at++)); do
        printf '[[task]]\nname = "wait%s"\nscope = ["wait%s/**"]\nmodel = "one"\nprompt = "Say it"\nstay = true\n' "$at" "$at"
    done >"$scratch/waiting.toml"
    ty "$repo" run --quiet "$scratch/waiting.toml" >"$scratch/out" 2>&1 || true
    after=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")
    [ "$(ps -eo args | grep -c '[_]_model-run')" -eq 0 ] || fail 'a session that waits has a process'
    ty "$repo" cancel --all --quiet >"$scratch/out"
    ty "$repo" down --quiet
    figure waiting_kib "memory of a session that waits for a message, KiB" \
        "$waiting sessions, $((before / 1024)) MiB before and $((after / 1024)) after" "" \
        "$(awk "BEGIN { printf \"%.1f\", ($after - $before) / $waiting }")" '<=' 200
}

# Answers of a server that sends to each session a fixed number of tokens a second, one event each.
stream_figure() {
    if ! has python3; then
        echo 'answers that stream in at once: skipped, there is no python3'
        return
    fi
    python3 "$here/bench.d/stream-server.py" "$stream_tokens" "$stream_rate" >"$scratch/port" &
    local server=$! port at
    # shellcheck disable=SC2064
    trap "kill $server 2>/dev/null || true" RETURN
    until [ -s "$scratch/port" ]; do kill -0 "$server" || fail 'the server did not start'; done
    port=$(cat "$scratch/port")
    settings "$(printf '[providers.here]\nwire = "openai-compatible"\nbase_url = "http://127.0.0.1:%s"\nmax_concurrent = 64\n[models.m]\nprovider = "here"\nmax_concurrent = 64\n' "$port")"
    for ((at = 0; at < streams; at++)); do
        printf '[[task]]\nname = "stream%s"\nscope = ["stream%s/**"]\nmodel = "m"\nprofile = "read-only"\nprompt = "Go on"\n' "$at" "$at"
    done >"$scratch/streams.toml"
    local before slowest ideal
    before=$(ty "$scratch/models" events --json | grep -oE '"seq":[0-9]+' | tail -n 1 | cut -d: -f2)
    ty "$scratch/models" run --quiet --jobs "$streams" "$scratch/streams.toml" >"$scratch/out" 2>&1
    slowest=$(ty "$scratch/models" events --after "$before" --json | grep -oE '"latency_ms":[0-9]+' | cut -d: -f2 | sort -n | tail -n 1)
    ideal=$(awk "BEGIN { print 1000 * $stream_tokens / $stream_rate }")
    figure streams "the slowest of $streams answers at once, $stream_tokens tokens at $stream_rate a second, against the server's pace" \
        "$slowest ms" "$ideal ms" "$(quotient "$slowest" "$ideal")" '<=' 1.05
}
