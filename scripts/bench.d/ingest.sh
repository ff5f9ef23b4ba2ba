# One large file into the artifact store, which hashes, copies and syncs it. Warm: the file is in the
# page cache. Cold: it was dropped from there.

part_ingest() {
    has b3sum || fail "b3sum is not installed (--peers installs it)"
    artifact="$scratch/artifact"
    head -c "$((mib * 1024 * 1024))" /dev/urandom >"$artifact"
    each_round ingest_round warm
    each_round ingest_round cold
    ingest_figure warm '<=' 1.5
    ingest_figure cold '<=' 1.5
    local own synced
    own=$(median put_warm) synced=$(median copy_synced)
    figure ingest_vs_synced "ingest of $mib MiB, warm" "$(seconds "$own")" \
        "b3sum, cp and sync $(seconds "$synced")" "$(quotient "$own" "$synced")"
}

ingest_figure() {
    local own other
    own=$(median "put_$1") other=$(median "copy_$1")
    figure "ingest_$1" "ingest of $mib MiB, $1" "$(seconds "$own")" \
        "b3sum and cp $(seconds "$other")" "$(quotient "$own" "$other")" "$2" "$3"
}

ingest_round() {
    rm -rf "$scratch/ingest" "$scratch/copy"
    new_repository "$scratch/ingest" 1
    "in_cache_$1"
    sample "put_$1" ty "$scratch/ingest" artifacts put "$artifact"
    rm -rf "$scratch/ingest"
    "in_cache_$1"
    sample "copy_$1" hash_and_copy
    [ "$1" = warm ] || return 0
    rm -f "$scratch/copy"
    in_cache_warm
    sample copy_synced hash_copy_and_sync
}

in_cache_warm() { settle; cat "$artifact" >/dev/null; }
in_cache_cold() { settle; dd if="$artifact" iflag=nocache count=0 2>"$scratch/err"; }

hash_and_copy() { b3sum "$artifact" && cp "$artifact" "$scratch/copy"; }
hash_copy_and_sync() { hash_and_copy && sync "$scratch/copy"; }
