import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.apache.zookeeper.KeeperException;

/** Checks that end a scenario, and waiting for conditions. */
final class Check {
    static final Duration WAIT = Duration.ofSeconds(30);
    private static final long POLL_MS = 10;

    interface Action {
        void run() throws Exception;
    }

    private Check() {}

    static void that(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    static void equal(Object expected, Object got, String what) {
        if (!Objects.equals(expected, got)) {
            throw new AssertionError(what + ": expected " + expected + ", got " + got);
        }
    }

    /** The action must be refused with this code. */
    static void refused(KeeperException.Code expected, Action action) throws Exception {
        try {
            action.run();
        } catch (KeeperException refusal) {
            equal(expected, refusal.code(), refusal.getMessage());
            return;
        }
        throw new AssertionError("done, although it must be refused with " + expected);
    }

    /** Asks until the answer is yes; what goes wrong while asking counts as no. */
    static void eventually(String what, Callable<Boolean> condition) throws Exception {
        long until = System.nanoTime() + WAIT.toNanos();
        Exception last = null;
        while (System.nanoTime() < until) {
            try {
                last = null;
                if (condition.call()) {
                    return;
                }
            } catch (KeeperException error) {
                last = error;
            }
            Thread.sleep(POLL_MS);
        }
        throw new AssertionError("waited " + WAIT.toSeconds() + " s for " + what, last);
    }
}
