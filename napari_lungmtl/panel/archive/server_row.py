"""Which server: its address, its certificates, and who asks."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ...training.dicomweb.credentials import Credentials
from ...training.dicomweb.server import Server, server_at
from ..widgets.section import label, tool_button
from .remembered import remember, remembered


class ServerRow(QWidget):
    """The address; *Sign in…* unfolds fields for user and password, which are emptied as soon as they are used."""

    sign_in = Signal(object)  # Credentials

    def __init__(self) -> None:
        super().__init__()
        url, self._ca = remembered()
        self.url = QLineEdit(url)
        self.url.setPlaceholderText("https://pacs.example.org/dicom-web")
        self.url.setAccessibleName("Address of the archive")
        self.certificates = tool_button("Certificates…", "", self._ask_certificates)
        self.unfold = tool_button(
            "Sign in…", "User and password, for the keyring of the system", self._toggle
        )
        self.user, self.password = QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.enter = QPushButton("Sign in")
        self.enter.setAutoDefault(False)
        self.fields = QWidget()
        self._lay_out()
        self.enter.clicked.connect(self._enter)
        self.password.returnPressed.connect(self._enter)
        self._show_certificates()

    def _lay_out(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout(self.fields)
        first.addWidget(QLabel("Server"))
        first.addWidget(self.url, 1)
        first.addWidget(self.certificates)
        first.addWidget(self.unfold)
        second.setContentsMargins(0, 0, 0, 0)
        for words, edit in (("User", self.user), ("Password", self.password)):
            second.addWidget(QLabel(words))
            second.addWidget(edit, 1)
        second.addWidget(self.enter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(first)
        column.addWidget(self.fields)
        self.note = label("Kept in the keyring of the system, never in a file.", "faint")
        column.addWidget(self.note)
        self.show_fields(False)

    def server(self) -> Server:
        """The server of the address, which is remembered.

        Raises
        ------
        ArchiveError
            It is no address, or the certificates are none.
        """
        server = server_at(self.url.text(), self._ca)
        remember(server.url, self._ca)
        return server

    def show_fields(self, on: bool) -> None:
        """Unfold the fields for user and password, or fold them away."""
        self.fields.setVisible(on)
        self.note.setVisible(on)
        if on:
            self.user.setFocus()

    def _toggle(self) -> None:
        self.show_fields(self.fields.isHidden())

    def _enter(self) -> None:
        credentials = Credentials(self.user.text().strip(), self.password.text())
        self.password.clear()
        self.sign_in.emit(credentials)

    def _ask_certificates(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self,
            "Certificates that the archive is trusted by",
            self._ca,
            "PEM (*.pem *.crt *.cer);;All files (*)",
        )
        self._ca = path
        self._show_certificates()

    def _show_certificates(self) -> None:
        trusted = f"those of {self._ca}" if self._ca else "the public authorities"
        self.certificates.setToolTip(
            f"Trusted now: {trusted}. A hospital's own authority is a file (PEM) of its own."
        )
