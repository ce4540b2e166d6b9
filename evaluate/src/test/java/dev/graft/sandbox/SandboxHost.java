package dev.graft.sandbox;

import java.io.IOException;
import java.time.Duration;

/** A process of its own that runs a program which takes a minute; a test kills it before. */
final class SandboxHost {
  private SandboxHost() {}

  /** Prints the sandbox's tag and runs the program. */
  public static void main(String[] arguments) throws IOException {
    Limits limits = Limits.standard().withWall(Duration.ofMinutes(1)).withCpuSeconds(60);
    try (Sandbox sandbox = Sandbox.open(limits)) {
      System.out.println(sandbox.tag());
      System.out.println(sandbox.run(arguments[0]));
    }
  }
}
