import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.ExponentialBackoffRetry;

/**
 * One client's Curator InterProcessMutex, for clients.py: a line in, a line out.
 *
 * <p>{@code take MS}, {@code release}, {@code holds}, and {@code state}, which is the last that the client was told of
 * its connection.
 */
public final class CuratorDriver {
    private static volatile ConnectionState state;

    public static void main(String[] arguments) throws Exception {
        int sessionMillis = Integer.parseInt(arguments[2]);
        CuratorFramework client =
                CuratorFrameworkFactory.newClient(
                        arguments[0], sessionMillis, 15_000, new ExponentialBackoffRetry(1000, 3));
        // LOST stays to be seen: what comes after it is another session.
        client.getConnectionStateListenable()
                .addListener((unused, now) -> state = state == ConnectionState.LOST ? state : now);
        client.start();
        client.blockUntilConnected();
        InterProcessMutex mutex = new InterProcessMutex(client, arguments[1]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String answer;
            try {
                answer = carryOut(mutex, line.split(" "));
            } catch (Exception error) {
                answer = error.getClass().getSimpleName();
            }
            System.out.println(answer);
        }
        client.close();
    }

    private static String carryOut(InterProcessMutex mutex, String[] words) throws Exception {
        switch (words[0]) {
            case "take":
                return mutex.acquire(Long.parseLong(words[1]), TimeUnit.MILLISECONDS) ? "taken" : "refused";
            case "release":
                mutex.release();
                return "released";
            case "holds":
                return String.valueOf(mutex.isOwnedByCurrentThread());
            case "state":
                return String.valueOf(state);
            default:
                return "what?";
        }
    }
}
