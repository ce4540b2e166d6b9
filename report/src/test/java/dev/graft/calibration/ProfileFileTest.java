package dev.graft.calibration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfileFileTest {
  @TempDir private Path directory;

  private static Profile profile() {
    Profile.Piece piece = new Profile.Piece(0.001, 0.002, 0.0009, 4096, 512, 8192, 16384);
    return new Profile(
        Profile.VERSION,
        "graft 0.1.0",
        new Profile.Model("SkyworkForCausalLM", 64, 96, 4, 2, 2, 32, 512, false, 8, 2),
        new Profile.Work("f32", 4, 256, 1.25, 1, 2),
        new Profile.Machine("A processor", 2, 24_000_000_000L, "Linux", "25.0.3", "2.10.0"),
        piece,
        piece,
        piece,
        new Profile.Optimizer(1_000_000, 9, 1e-4, 2e-4, 3e-4),
        1e-5,
        50_000_000,
        Map.of("all-reduce", new Profile.Exchange(1e-4, 1e-9)));
  }

  @Test
  void aProfileIsReadAsItWasWritten() throws IOException {
    Path file = directory.resolve("profile.json");
    ProfileFile.write(profile(), file);
    assertEquals(profile(), ProfileFile.read(file));
    assertTrue(Files.readString(file).contains("\"kept_if_recomputed_bytes\" : 512"));
  }

  @Test
  void whatIsNoProfileIsRefusedByName() throws IOException {
    Path file = directory.resolve("profile.json");
    refused(file, "there is no such profile");
    Files.writeString(file, "{");
    refused(file, "not a profile");
    Files.writeString(file, "{\"version\": 7}");
    refused(file, "version is 7");
    Files.writeString(file, ProfileFile.text(profile()).replace("\"hidden_size\" : 64,", ""));
    refused(file, "hidden_size");
    Files.writeString(
        file, ProfileFile.text(profile()).replace("\"backward\" : 0.002", "\"backward\" : -1"));
    refused(file, "backward is -1");
  }

  private static void refused(Path file, String why) {
    InvalidProfileException thrown =
        assertThrows(InvalidProfileException.class, () -> ProfileFile.read(file));
    assertTrue(thrown.getMessage().contains(file.toString()), thrown.getMessage());
    assertTrue(thrown.getMessage().contains(why), thrown.getMessage());
  }
}
