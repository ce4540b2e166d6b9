package dev.graft.profile;

import dev.graft.calibration.Profile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Loader;

/** What machine this is, for whoever reads a measurement elsewhere. */
public final class MachineFacts {
  private MachineFacts() {}

  /** Reads what the system says. */
  public static Profile.Machine here() throws IOException {
    return new Profile.Machine(
        value(Path.of("/proc/cpuinfo"), "model name"),
        Runtime.getRuntime().availableProcessors(),
        1024 * Long.parseLong(value(Path.of("/proc/meminfo"), "MemTotal").replaceAll("\\D+", "")),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        Runtime.version().toString(),
        Loader.getVersion("org.bytedeco", "pytorch"));
  }

  private static String value(Path file, String key) throws IOException {
    List<String> lines = Files.readAllLines(file);
    return lines.stream()
        .filter(line -> line.startsWith(key))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("unknown");
  }
}
