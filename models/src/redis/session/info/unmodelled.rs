//! Lines of `INFO` about what the model does not have. Source: `server.c`, `genRedisInfoString`.

/// After what is used.
pub(super) const MEMORY_PEAK: &str = "\
    used_memory_rss:0\r\n\
    used_memory_rss_human:0B\r\n\
    used_memory_peak:0\r\n\
    used_memory_peak_human:0B\r\n\
    used_memory_peak_perc:0.00%\r\n\
    used_memory_overhead:0\r\n";

/// After what is used at the start.
pub(super) const MEMORY_SCRIPTS: &str = "\
    used_memory_dataset:0\r\n\
    used_memory_dataset_perc:0.00%\r\n\
    allocator_allocated:0\r\n\
    allocator_active:0\r\n\
    allocator_resident:0\r\n\
    total_system_memory:0\r\n\
    total_system_memory_human:0B\r\n\
    used_memory_lua:0\r\n\
    used_memory_vm_eval:0\r\n\
    used_memory_lua_human:0B\r\n\
    used_memory_scripts_eval:0\r\n";

/// After the number of scripts.
pub(super) const MEMORY_FUNCTIONS: &str = "\
    number_of_functions:0\r\n\
    number_of_libraries:0\r\n\
    used_memory_vm_functions:0\r\n\
    used_memory_vm_total:0\r\n\
    used_memory_vm_total_human:0B\r\n\
    used_memory_functions:0\r\n\
    used_memory_scripts:0\r\n\
    used_memory_scripts_human:0B\r\n";

/// After the limit.
pub(super) const MEMORY_REST: &str = "\
    allocator_frag_ratio:0.00\r\n\
    allocator_frag_bytes:0\r\n\
    allocator_rss_ratio:0.00\r\n\
    allocator_rss_bytes:0\r\n\
    rss_overhead_ratio:0.00\r\n\
    rss_overhead_bytes:0\r\n\
    mem_fragmentation_ratio:0.00\r\n\
    mem_fragmentation_bytes:0\r\n\
    mem_not_counted_for_evict:0\r\n\
    mem_replication_backlog:0\r\n\
    mem_total_replication_buffers:0\r\n\
    mem_clients_slaves:0\r\n\
    mem_clients_normal:0\r\n\
    mem_cluster_links:0\r\n\
    mem_aof_buffer:0\r\n\
    mem_allocator:jemalloc-5.3.0\r\n\
    active_defrag_running:0\r\n\
    lazyfree_pending_objects:0\r\n\
    lazyfreed_objects:0\r\n";

/// After whether data are being loaded: there are no snapshots.
pub(super) const PERSISTENCE_FORKS: &str = "\
    async_loading:0\r\n\
    current_cow_peak:0\r\n\
    current_cow_size:0\r\n\
    current_cow_size_age:0\r\n\
    current_fork_perc:0.00\r\n\
    current_save_keys_processed:0\r\n\
    current_save_keys_total:0\r\n";

/// After the number of changes.
pub(super) const PERSISTENCE_RDB: &str = "\
    rdb_bgsave_in_progress:0\r\n\
    rdb_last_save_time:0\r\n\
    rdb_last_bgsave_status:ok\r\n\
    rdb_last_bgsave_time_sec:-1\r\n\
    rdb_current_bgsave_time_sec:-1\r\n\
    rdb_saves:0\r\n\
    rdb_last_cow_size:0\r\n\
    rdb_last_load_keys_expired:0\r\n\
    rdb_last_load_keys_loaded:0\r\n";

/// After whether there is an append-only file, which is not rewritten.
pub(super) const PERSISTENCE_REST: &str = "\
    aof_rewrite_in_progress:0\r\n\
    aof_rewrite_scheduled:0\r\n\
    aof_last_rewrite_time_sec:-1\r\n\
    aof_current_rewrite_time_sec:-1\r\n\
    aof_last_bgrewrite_status:ok\r\n\
    aof_rewrites:0\r\n\
    aof_rewrites_consecutive_failures:0\r\n\
    aof_last_write_status:ok\r\n\
    aof_last_cow_size:0\r\n\
    module_fork_in_progress:0\r\n\
    module_fork_last_cow_size:0\r\n";

/// What the model does not count.
pub(super) const STATS_RATES: &str = "\
    instantaneous_ops_per_sec:0\r\n\
    total_net_input_bytes:0\r\n\
    total_net_output_bytes:0\r\n\
    total_net_repl_input_bytes:0\r\n\
    total_net_repl_output_bytes:0\r\n\
    instantaneous_input_kbps:0.00\r\n\
    instantaneous_output_kbps:0.00\r\n\
    instantaneous_input_repl_kbps:0.00\r\n\
    instantaneous_output_repl_kbps:0.00\r\n\
    rejected_connections:0\r\n\
    sync_full:0\r\n\
    sync_partial_ok:0\r\n\
    sync_partial_err:0\r\n";

/// After the keys that have expired.
pub(super) const STATS_EXPIRY: &str = "\
    expired_stale_perc:0.00\r\n\
    expired_time_cap_reached_count:0\r\n\
    expire_cycle_cpu_milliseconds:0\r\n";

/// After the keys that were evicted.
pub(super) const STATS_EVICTION: &str = "\
    evicted_clients:0\r\n\
    total_eviction_exceeded_time:0\r\n\
    current_eviction_exceeded_time:0\r\n";

/// The same, between the channels and the errors.
pub(super) const STATS_FORKS: &str = "\
    latest_fork_usec:0\r\n\
    total_forks:0\r\n\
    migrate_cached_sockets:0\r\n\
    slave_expires_tracked_keys:0\r\n\
    active_defrag_hits:0\r\n\
    active_defrag_misses:0\r\n\
    active_defrag_key_hits:0\r\n\
    active_defrag_key_misses:0\r\n\
    total_active_defrag_time:0\r\n\
    current_active_defrag_time:0\r\n\
    tracking_total_keys:0\r\n\
    tracking_total_items:0\r\n\
    tracking_total_prefixes:0\r\n\
    unexpected_error_replies:0\r\n";

/// The same, after the errors.
pub(super) const STATS_REST: &str = "\
    dump_payload_sanitizations:0\r\n\
    total_reads_processed:0\r\n\
    total_writes_processed:0\r\n\
    io_threaded_reads_processed:0\r\n\
    io_threaded_writes_processed:0\r\n\
    reply_buffer_shrinks:0\r\n\
    reply_buffer_expands:0\r\n";

/// Commands take no time.
pub(super) const CPU: &str = "\
    used_cpu_sys:0.000000\r\n\
    used_cpu_user:0.000000\r\n\
    used_cpu_sys_children:0.000000\r\n\
    used_cpu_user_children:0.000000\r\n\
    used_cpu_sys_main_thread:0.000000\r\n\
    used_cpu_user_main_thread:0.000000\r\n";
