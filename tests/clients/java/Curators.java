import java.util.ArrayList;
import java.util.List;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;

/** Clients of Curator, and a crowd of them at work at once. */
final class Curators {
    static final int LONG_TIMEOUT_MS = 20_000;
    static final int SHORT_TIMEOUT_MS = 2_000;
    private static final int CONNECT_TIMEOUT_MS = 5_000;
    private static final int RETRIES = 100;
    private static final int PAUSE_MS = 100;

    interface Work {
        void run(CuratorFramework client, int worker) throws Exception;
    }

    private Curators() {}

    static CuratorFramework open() throws Exception {
        return open(Nodes.all(), LONG_TIMEOUT_MS);
    }

    static CuratorFramework open(String servers, int timeoutMs) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder()
                .connectString(servers)
                .sessionTimeoutMs(timeoutMs)
                .connectionTimeoutMs(CONNECT_TIMEOUT_MS)
                .retryPolicy(new RetryNTimes(RETRIES, PAUSE_MS))
                .build();
        client.start();
        Check.that(client.blockUntilConnected((int) Check.WAIT.toSeconds(), java.util.concurrent.TimeUnit.SECONDS),
                "not connected to " + servers);
        return client;
    }

    static long session(CuratorFramework client) throws Exception {
        return client.getZookeeperClient().getZooKeeper().getSessionId();
    }

    /** Number of the node it is connected to. */
    static int node(CuratorFramework client) throws Exception {
        String text = client.getZookeeperClient().getZooKeeper().toString();
        java.util.regex.Matcher remote = java.util.regex.Pattern.compile("remoteserver:[^:]*:(\\d+)").matcher(text);
        Check.that(remote.find(), "connected to nothing: " + text);
        return Nodes.numberOf(Integer.parseInt(remote.group(1)));
    }

    /** Workers with a client each, the next node for each; the first failure is thrown. */
    static void crowd(int workers, Work work) throws Exception {
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int at = 0; at < workers; at++) {
            int worker = at;
            Thread thread = new Thread(() -> {
                try (CuratorFramework client = open()) {
                    work.run(client, worker);
                } catch (Throwable failure) {
                    failures.add(failure);
                }
            }, "worker " + worker);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join(4 * Check.WAIT.toMillis());
            Check.that(!thread.isAlive(), thread.getName() + " hangs at " + List.of(thread.getStackTrace()));
        }
        if (!failures.isEmpty()) {
            throw new AssertionError(failures.size() + " of " + workers + " workers failed", failures.get(0));
        }
    }
}
