/** The opcodes of RFC 6455, section 11.8, and how the inspector speaks of them. */

export interface Opcode {
  name: string;
  meaning: string;
  section: string;
  control: boolean;
}

export const opcodes: Record<number, Opcode> = {
  0x0: { name: "CONT", meaning: "A further fragment of the message before it.", section: "5.4", control: false },
  0x1: { name: "TEXT", meaning: "The payload is text in UTF-8.", section: "5.6", control: false },
  0x2: { name: "BINARY", meaning: "The payload is bytes, for the application to read.", section: "5.6", control: false },
  0x8: { name: "CLOSE", meaning: "The closing handshake: a code in two bytes, then a reason.", section: "5.5.1", control: true },
  0x9: { name: "PING", meaning: "Are you there? Answer with the same payload.", section: "5.5.2", control: true },
  0xa: { name: "PONG", meaning: "I am here. Carries the payload of the ping it answers.", section: "5.5.3", control: true },
};
