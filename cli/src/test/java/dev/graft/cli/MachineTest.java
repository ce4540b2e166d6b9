package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MachineTest {
  @ParameterizedTest
  @ValueSource(strings = {"25.0.3", "25.0.3+9-LTS", "25.0.4", "25.1", "26"})
  void newJvmsAreTaken(String version) {
    assertDoesNotThrow(new Machine(Runtime.Version.parse(version), "Linux", "amd64")::require);
  }

  @ParameterizedTest
  @ValueSource(strings = {"17.0.15", "25", "25.0.2", "25.0.2.1+1"})
  void oldJvmsAreRefused(String version) {
    Machine machine = new Machine(Runtime.Version.parse(version), "Linux", "amd64");
    InvalidInputException refused = assertThrows(InvalidInputException.class, machine::require);
    assertTrue(refused.getMessage().contains(version), refused.getMessage());
    assertTrue(refused.getMessage().contains("25.0.3"), refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"Linux/aarch64", "Mac OS X/aarch64", "Windows 11/amd64"})
  void platformsWithoutNativeLibrariesAreRefused(String platform) {
    int slash = platform.indexOf('/');
    Machine machine =
        new Machine(
            Runtime.Version.parse("25.0.3"),
            platform.substring(0, slash),
            platform.substring(slash + 1));
    assertThrows(InvalidInputException.class, machine::require);
  }

  @Test
  void thisMachineWillDo() {
    assertDoesNotThrow(Machine.here()::require);
  }
}
