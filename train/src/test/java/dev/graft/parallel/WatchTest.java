package dev.graft.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.PeerLostException;
import java.io.DataOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Three ranks in one process; the third is a bare connection that lives or not. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class WatchTest {
  private final CompletableFuture<PeerLostException> zero = new CompletableFuture<>();
  private final CompletableFuture<PeerLostException> one = new CompletableFuture<>();

  private interface Scene {
    void play(Watch zero, Watch one, Socket two) throws Exception;
  }

  private void play(Duration timeout, Scene scene) throws Exception {
    ServerSocket server = Watch.serve(InetAddress.getLoopbackAddress());
    InetSocketAddress address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getLocalPort());
    try (Socket two = new Socket()) {
      two.connect(address);
      new DataOutputStream(two.getOutputStream()).writeInt(2);
      try (Watch second = Watch.connect(address, 1, 3, timeout, one::complete);
          Watch first = Watch.accept(server, 3, timeout, zero::complete)) {
        scene.play(first, second, two);
      }
    }
  }

  @Test
  void allHearOfAClosedConnection() throws Exception {
    play(
        Duration.ofSeconds(60),
        (_, _, two) -> {
          two.close();
          String sentence = "rank 2 of 3 was lost: its connection was closed";
          assertEquals(sentence, zero.get().getMessage());
          assertEquals(sentence, one.get().getMessage());
        });
  }

  @Test
  void allHearOfARankThatIsSilent() throws Exception {
    play(
        Duration.ofSeconds(1),
        (_, _, _) -> {
          assertEquals(
              "rank 2 of 3 was lost: it did not answer within 1 s", one.get().getMessage());
          assertEquals(2, zero.get().rank());
        });
  }

  @Test
  void aRankSaysWhyItGivesUp() throws Exception {
    play(
        Duration.ofSeconds(60),
        (first, second, _) -> {
          second.abort("it failed: the disk is full");
          assertEquals(
              "rank 1 of 3 was lost: it failed: the disk is full", zero.get().getMessage());
          assertEquals(1, first.verdict(Duration.ofSeconds(10)).orElseThrow().rank());
        });
  }

  @Test
  void otherVersionsAndRecipesAreNamed() {
    Introduction first = new Introduction("graft 1", "aa");
    String version =
        assertThrows(
                InvalidInputException.class,
                () -> new Introduction("graft 2", "aa").requireLike(first, 1, 2))
            .getMessage();
    assertTrue(version.startsWith("rank 1 of 2 runs graft 2, but rank 0 runs"), version);
    String recipe =
        assertThrows(
                InvalidInputException.class,
                () -> Introduction.parse("graft 1\nbb").requireLike(first, 3, 4))
            .getMessage();
    assertTrue(recipe.startsWith("rank 3 of 4 has another recipe (digest bb)"), recipe);
  }
}
